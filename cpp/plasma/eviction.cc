#include "plasma/eviction.h"

#include <iterator>

#include "common/base/check.h"
#include "common/base/sparse_table.h"

namespace rayx::plasma {

void EvictionOrder::Add(const ObjectId& id, uint64_t size_bytes) {
  order_.push_back({id, size_bytes});
  const bool is_new = places_.emplace(id, std::prev(order_.end())).second;
  RAYX_CHECK(is_new);
}

void EvictionOrder::Remove(const ObjectId& id) {
  const auto place = places_.find(id);
  RAYX_CHECK(place != places_.end());
  order_.erase(place->second);
  places_.erase(place);
  ShrinkIfSparse(places_);
}

void EvictionOrder::Use(const ObjectId& id) {
  const auto place = places_.find(id);
  RAYX_CHECK(place != places_.end());
  order_.splice(order_.end(), order_, place->second);
}

std::vector<ObjectId> EvictionOrder::Candidates(uint64_t size_bytes) const {
  std::vector<ObjectId> candidates;
  // What is still wanted is counted down, since a sum of sizes might wrap.
  for (auto at = order_.begin(); at != order_.end() && size_bytes > 0; ++at) {
    candidates.push_back(at->id);
    size_bytes -= size_bytes < at->size_bytes ? size_bytes : at->size_bytes;
  }
  return candidates;
}

}  // namespace rayx::plasma
