#include "transfer/bundle_queue.h"

#include <iterator>

#include "common/base/check.h"

namespace rayx::transfer {

// ---- bundles ------------------------------------------------------------------------------------

void BundleQueue::Add(BundleId bundle, Rank rank, const std::vector<Wanted>& wanted) {
  const Key key = {rank, bundle};
  RAYX_CHECK(keys_.emplace(bundle, key).second);
  Bundle& added = bundles_[key];
  for (const Wanted& one : wanted) {
    RAYX_CHECK(one.size_bytes > 0);
    Input& input = inputs_[one.id];
    if (input.bundles.contains(key)) continue;
    Leave(one.id, input);
    if (input.bundles.empty()) {
      input.size_bytes = one.size_bytes;
      input.state = one.is_here ? State::kHere : State::kDue;
    } else if (input.state == State::kLost) {
      // It may have been made anew.
      for (const Key& other : input.bundles) CountLacking(other, true);
      input.state = State::kDue;
    }
    input.bundles.insert(key);
    Enter(one.id, input);
    added.wanted.push_back(one.id);
    if (IsLacking(input.state)) CountLacking(key, true);
  }
}

void BundleQueue::Remove(BundleId bundle) {
  const auto found = keys_.find(bundle);
  if (found == keys_.end()) return;
  const Key key = found->second;
  for (const ObjectId& id : bundles_.at(key).wanted) {
    Input& input = inputs_.at(id);
    Leave(id, input);
    input.bundles.erase(key);
    if (!input.bundles.empty()) {
      Enter(id, input);
      continue;
    }
    if (input.state == State::kComing) unwanted_.push_back(id);
    inputs_.erase(id);
  }
  lacking_.erase(key);
  bundles_.erase(key);
  keys_.erase(found);
}

void BundleQueue::CountLacking(const Key& key, bool more) {
  size_t& lacking = bundles_.at(key).lacking;
  lacking = more ? lacking + 1 : lacking - 1;
  if (lacking > 0) {
    lacking_.insert(key);
  } else {
    lacking_.erase(key);
  }
}

// ---- inputs -------------------------------------------------------------------------------------

void BundleQueue::Leave(const ObjectId& id, const Input& input) {
  if (input.bundles.empty()) return;
  const Key& first = *input.bundles.begin();
  due_.erase({first, id});
  if (IsAdmitted(first)) admitted_bytes_ -= input.size_bytes;
}

void BundleQueue::Enter(const ObjectId& id, const Input& input) {
  const Key& first = *input.bundles.begin();
  if (input.state == State::kDue) due_.insert({first, id});
  if (IsAdmitted(first)) admitted_bytes_ += input.size_bytes;
}

void BundleQueue::SetState(const ObjectId& id, State state) {
  const auto found = inputs_.find(id);
  if (found == inputs_.end() || found->second.state == state) return;
  Input& input = found->second;
  const bool was_lacking = IsLacking(input.state);
  Leave(id, input);
  input.state = state;
  Enter(id, input);
  if (IsLacking(state) == was_lacking) return;
  for (const Key& key : input.bundles) CountLacking(key, !was_lacking);
}

void BundleQueue::SetIsHere(const ObjectId& id, bool is_here) {
  SetState(id, is_here ? State::kHere : State::kDue);
}

void BundleQueue::OnAbandoned(const ObjectId& id) {
  const auto found = inputs_.find(id);
  if (found != inputs_.end() && found->second.state == State::kComing) SetState(id, State::kDue);
}

void BundleQueue::Resize(const ObjectId& id, uint64_t size_bytes) {
  RAYX_CHECK(size_bytes > 0);
  const auto found = inputs_.find(id);
  if (found == inputs_.end()) return;
  Leave(id, found->second);
  found->second.size_bytes = size_bytes;
  Enter(id, found->second);
}

// ---- admission ----------------------------------------------------------------------------------

uint64_t BundleQueue::BytesOf(const Key& key, const Bundle& bundle) const {
  uint64_t bytes = 0;
  for (const ObjectId& id : bundle.wanted) {
    const Input& input = inputs_.at(id);
    if (*input.bundles.begin() == key) bytes += input.size_bytes;
  }
  return bytes;
}

void BundleQueue::Admit(uint64_t bytes) {
  // Who lacks nothing takes nothing more.
  const auto is_always_admitted = [this](const Key& key) {
    return lacking_.empty() || key <= *lacking_.begin();
  };
  auto next = boundary_ ? bundles_.upper_bound(*boundary_) : bundles_.begin();
  // One that has come before others, or what is not free any more, may be too much.
  while (admitted_bytes_ > bytes && next != bundles_.begin()) {
    const auto last = std::prev(next);
    if (is_always_admitted(last->first)) break;
    admitted_bytes_ -= BytesOf(last->first, last->second);
    next = last;
    boundary_ =
        next == bundles_.begin() ? std::nullopt : std::optional<Key>(std::prev(next)->first);
  }
  for (; next != bundles_.end(); ++next) {
    const uint64_t more = BytesOf(next->first, next->second);
    if (!is_always_admitted(next->first) && admitted_bytes_ + more > bytes) break;
    admitted_bytes_ += more;
    boundary_ = next->first;
  }
}

std::optional<BundleQueue::Due> BundleQueue::NextDue() const {
  if (due_.empty()) return std::nullopt;
  const auto& [key, id] = *due_.begin();
  if (!IsAdmitted(key)) return std::nullopt;
  return Due{.id = id, .size_bytes = inputs_.at(id).size_bytes, .is_of_first = IsOfFirst(id)};
}

// ---- questions ----------------------------------------------------------------------------------

bool BundleQueue::IsHeld(const ObjectId& id) const {
  const auto found = inputs_.find(id);
  return found != inputs_.end() && IsAdmitted(*found->second.bundles.begin());
}

bool BundleQueue::IsOfFirst(const ObjectId& id) const {
  const auto found = inputs_.find(id);
  if (found == inputs_.end()) return false;
  return lacking_.empty() || *found->second.bundles.begin() <= *lacking_.begin();
}

bool BundleQueue::IsBefore(const ObjectId& a, const ObjectId& b) const {
  return *inputs_.at(a).bundles.begin() < *inputs_.at(b).bundles.begin();
}

bool BundleQueue::IsLacking(const ObjectId& id) const {
  const auto found = inputs_.find(id);
  return found != inputs_.end() && IsLacking(found->second.state);
}

}  // namespace rayx::transfer
