#include "client/objects/object_cache.h"

#include <utility>

#include "client/memory/object_memory.h"
#include "common/base/check.h"
#include "common/base/sparse_table.h"

namespace rayx {

// --- ObjectIDs ---

bool ObjectCache::AddReference(const ObjectId& id) {
  // The node knows of every entry: each begins with a message that makes it count us.
  const auto [found, is_new] = entries_.try_emplace(id);
  ++found->second.references;
  return is_new;
}

ObjectCache::Farewell ObjectCache::RemoveReference(const ObjectId& id) {
  const auto found = entries_.find(id);
  RAYX_CHECK(found != entries_.end() && found->second.references > 0);
  --found->second.references;
  return LeaveIfUnused(found);
}

void ObjectCache::AddResult(const ObjectId& id) {
  Entry& entry = entries_[id];
  ++entry.references;
  if (!entry.available) entry.asked = true;
}

void ObjectCache::TellAtOnce(const ObjectId& id) {
  const auto found = entries_.find(id);
  if (found != entries_.end()) found->second.at_once = true;
}

void ObjectCache::AddOwn(const ObjectId& id, const ObjectView& bytes) {
  Entry& entry = entries_[id];
  ++entry.references;
  entry.small = true;
  if (kept_bytes_ + bytes.bytes().size() <= kept_bytes_max_) Keep(&entry, bytes);
  BecomeAvailable(id, &entry);
}

void ObjectCache::AddSealed(const ObjectId& id) {
  Entry& entry = entries_[id];
  ++entry.references;
  BecomeAvailable(id, &entry);
}

// --- deliveries ---

void ObjectCache::OnInline(const ObjectId& id, std::span<const uint8_t> bytes) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  entry.asked = entry.pin_asked = false;
  entry.small = true;
  if (entry.owner == nullptr &&
      (entry.wanted > 0 || kept_bytes_ + bytes.size() <= kept_bytes_max_)) {
    Keep(&entry, CopyObject(bytes));
  }
  BecomeAvailable(id, &entry);
}

void ObjectCache::OnInPool(const ObjectId& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  entry.asked = false;
  BecomeAvailable(id, &entry);
  if (entry.wanted > 0 && !entry.pin_asked && entry.owner == nullptr && entry.pin.expired()) {
    entry.pin_asked = true;
    to_pin_.push_back(id);
  }
}

void ObjectCache::OnPinned(const ObjectId& id, const ObjectView& view) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  entry.asked = entry.pin_asked = false;
  if (entry.wanted > 0 && entry.owner == nullptr) {
    entry.small = false;
    entry.owner = view.owner();
    entry.bytes = view.bytes();
  }
  BecomeAvailable(id, &entry);
}

void ObjectCache::BecomeAvailable(const ObjectId& id, Entry* entry) {
  if (std::exchange(entry->available, true) || entry->watches == 0) return;
  const auto tell = [&id](Watch* watch) {
    ++watch->arrived;
    if (watch->on_arrival) watch->on_arrival(id);
  };
  if (entry->watch != nullptr) tell(std::exchange(entry->watch, nullptr));
  if (more_watches_.empty()) return;
  const auto [first, last] = more_watches_.equal_range(id);
  for (auto found = first; found != last; ++found) tell(found->second);
  more_watches_.erase(first, last);
  ShrinkIfSparse(more_watches_);
}

void ObjectCache::Keep(Entry* entry, const ObjectView& view) {
  entry->small = true;
  entry->owner = view.owner();
  entry->bytes = view.bytes();
  kept_bytes_ += view.bytes().size();
}

void ObjectCache::Weaken(Entry* entry) {
  if (entry->small || entry->owner == nullptr) return;
  entry->pin = entry->owner;
  entry->owner.reset();
}

void ObjectCache::Forget(Entry* entry) {
  if (entry->owner == nullptr) return;
  if (entry->small) kept_bytes_ -= entry->bytes.size();
  entry->owner.reset();
}

// --- Get ---

bool ObjectCache::Want(const ObjectId& id) {
  Entry& entry = entries_[id];
  ++entry.wanted;
  // One that was asked for without a pin is on its way; OnInPool asks again if that is needed.
  if (entry.owner != nullptr || entry.asked || entry.pin_asked || !entry.pin.expired()) {
    return false;
  }
  entry.pin_asked = true;
  return true;
}

bool ObjectCache::Take(const ObjectId& id, ObjectView* view) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  Entry& entry = found->second;
  std::shared_ptr<const void> owner = entry.owner != nullptr ? entry.owner : entry.pin.lock();
  if (owner != nullptr) {
    *view = ObjectView(std::move(owner), entry.bytes);
    // Kept for this call by a Get that was interrupted.
    if (entry.wanted == 0) Weaken(&entry);
    return true;
  }
  // Another Get's views were the last ones on it.
  if (entry.available && entry.wanted > 0 && !entry.pin_asked) {
    entry.pin_asked = true;
    to_pin_.push_back(id);
  }
  return false;
}

ObjectCache::Farewell ObjectCache::Settle(const ObjectId& id, bool keep) {
  const auto found = entries_.find(id);
  RAYX_CHECK(found != entries_.end() && found->second.wanted > 0);
  Entry& entry = found->second;
  --entry.wanted;
  if (entry.wanted == 0 && !keep) {
    if (!entry.small && entry.owner != nullptr && entry.references > 0) {
      recent_pins_.Keep(id, entry.owner);
    }
    Weaken(&entry);
    if (entry.small && kept_bytes_ > kept_bytes_max_) Forget(&entry);
  }
  return LeaveIfUnused(found);
}

std::vector<ObjectId> ObjectCache::TakeToPin() {
  std::vector<ObjectId> wanted;
  for (const ObjectId& id : to_pin_) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) continue;
    if (found->second.wanted == 0) {
      found->second.pin_asked = false;
      continue;
    }
    ++found->second.wanted;
    wanted.push_back(id);
  }
  to_pin_.clear();
  return wanted;
}

// --- Wait ---

bool ObjectCache::IsAvailable(const ObjectId& id) const {
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.available;
}

bool ObjectCache::StartWatch(const ObjectId& id, Watch* watch) {
  Entry& entry = entries_[id];
  RAYX_CHECK(!entry.available);
  ++entry.watches;
  if (entry.watch == nullptr) {
    entry.watch = watch;
  } else {
    more_watches_.emplace(id, watch);
  }
  if (entry.asked || entry.pin_asked) return false;
  entry.asked = true;
  return true;
}

ObjectCache::Farewell ObjectCache::EndWatch(const ObjectId& id, Watch* watch) {
  const auto found = entries_.find(id);
  RAYX_CHECK(found != entries_.end() && found->second.watches > 0);
  --found->second.watches;
  if (found->second.watch == watch) {
    found->second.watch = nullptr;
  } else if (!found->second.available) {
    auto [next, last] = more_watches_.equal_range(id);
    while (next != last && next->second != watch) ++next;
    RAYX_CHECK(next != last);
    more_watches_.erase(next);
    ShrinkIfSparse(more_watches_);
  }
  return LeaveIfUnused(found);
}

ObjectCache::Farewell ObjectCache::LeaveIfUnused(Entries::iterator found) {
  Entry& entry = found->second;
  if (entry.references > 0 || entry.wanted > 0 || entry.watches > 0) return Farewell::kNone;
  const bool can_wait = entry.small && !entry.at_once;
  const Farewell farewell = can_wait ? Farewell::kDrop : Farewell::kUrgent;
  Forget(&entry);
  if (!entry.pin.expired()) recent_pins_.Forget(found->first);
  entries_.erase(found);
  ShrinkIfSparse(entries_);
  return farewell;
}

}  // namespace rayx
