#include "transfer/bundle_queue.h"

#include "common/base/check.h"

namespace rayx::transfer {

void BundleQueue::Add(BundleId bundle, Rank rank, const std::vector<Wanted>& wanted) {
  const Key key = {rank, bundle};
  RAYX_CHECK(keys_.emplace(bundle, key).second);
  std::vector<ObjectId>& ids = bundles_[key];
  for (const Wanted& one : wanted) {
    RAYX_CHECK(one.size_bytes > 0);
    Input& input = inputs_[one.id];
    if (input.bundles.empty()) input.size_bytes = one.size_bytes;
    // One that was lost may have been made anew.
    if (input.state != State::kHere) input.state = one.is_here ? State::kHere : State::kLacking;
    if (input.bundles.insert(key).second) ids.push_back(one.id);
  }
}

void BundleQueue::Remove(BundleId bundle) {
  const auto found = keys_.find(bundle);
  if (found == keys_.end()) return;
  const Key key = found->second;
  for (const ObjectId& id : bundles_.at(key)) {
    Input& input = inputs_.at(id);
    input.bundles.erase(key);
    if (input.bundles.empty()) inputs_.erase(id);
  }
  bundles_.erase(key);
  keys_.erase(found);
}

void BundleQueue::SetState(const ObjectId& id, State state) {
  if (const auto found = inputs_.find(id); found != inputs_.end()) found->second.state = state;
}

void BundleQueue::Resize(const ObjectId& id, uint64_t size_bytes) {
  RAYX_CHECK(size_bytes > 0);
  if (const auto found = inputs_.find(id); found != inputs_.end()) {
    found->second.size_bytes = size_bytes;
  }
}

bool BundleQueue::IsLacking(const ObjectId& id) const {
  const auto found = inputs_.find(id);
  return found != inputs_.end() && found->second.state == State::kLacking;
}

BundleQueue::Admitted BundleQueue::Admit(uint64_t bytes) const {
  Admitted admitted;
  uint64_t sum = 0;
  for (const auto& [key, ids] : bundles_) {
    uint64_t more = 0;
    std::vector<Wanted> lacking;
    for (const ObjectId& id : ids) {
      const Input& input = inputs_.at(id);
      if (admitted.held.contains(id) || input.state == State::kLost) continue;
      more += input.size_bytes;
      if (input.state == State::kLacking) lacking.push_back({id, input.size_bytes, false});
    }
    const bool is_behind_first = !admitted.lacking.empty();
    if (is_behind_first && sum + more > bytes) break;
    sum += more;
    admitted.held.insert(ids.begin(), ids.end());
    admitted.lacking.insert(admitted.lacking.end(), lacking.begin(), lacking.end());
    if (is_behind_first) continue;
    admitted.held_of_first = admitted.held;
    admitted.of_first = admitted.lacking.size();
  }
  return admitted;
}

}  // namespace rayx::transfer
