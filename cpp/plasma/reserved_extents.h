// Extents of the pool that clients may fill without asking first. Each belongs to one client until
// that has filled it, or it is given back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/ids.h"
#include "plasma/object_entry.h"

namespace rayx::plasma {

class ReservedExtents {
 public:
  // REQUIRES: the extent is reserved for nobody.
  void Add(ClientId client, Extent reservation) {
    RAYX_CHECK(
        reservations_.emplace(Key{client, reservation.offset}, reservation.size_bytes).second);
    bytes_ += reservation.size_bytes;
  }
  // The client's extent that begins there, if it has one; it is not reserved any more.
  std::optional<Extent> Take(ClientId client, uint64_t offset) {
    const auto found = reservations_.find(Key{client, offset});
    if (found == reservations_.end()) return std::nullopt;
    const Extent reservation{offset, found->second};
    bytes_ -= reservation.size_bytes;
    reservations_.erase(found);
    return reservation;
  }
  std::vector<Extent> TakeAllOf(ClientId client) {
    std::vector<Extent> taken;
    const auto first = reservations_.lower_bound(Key{client, 0});
    auto end = first;
    for (; end != reservations_.end() && end->first.first == client; ++end) {
      taken.push_back({end->first.second, end->second});
      bytes_ -= end->second;
    }
    reservations_.erase(first, end);
    return taken;
  }

  size_t size() const { return reservations_.size(); }
  uint64_t bytes() const { return bytes_; }

 private:
  // Client and offset.
  using Key = std::pair<ClientId, uint64_t>;
  // The size of each.
  std::map<Key, uint64_t> reservations_;
  uint64_t bytes_ = 0;
};

}  // namespace rayx::plasma
