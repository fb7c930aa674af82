// Changes by key that wait to be written: one entry for each key, oldest key first.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

#include "common/base/sparse_table.h"

namespace rayx::control {

// Entries keep the place of the key's first change, so that a key that changes all the time is
// written too.
template <typename Key, typename Change, typename Hash = std::hash<Key>>
class PendingWrites {
 public:
  using Entry = std::pair<Key, Change>;

  // The change that waits for `key`, or null.
  Change* Find(const Key& key) {
    const auto it = by_key_.find(key);
    return it == by_key_.end() ? nullptr : &it->second->second;
  }
  // The change that waits for `key`, made if there is none.
  Change& At(const Key& key) {
    const auto [it, added] = by_key_.try_emplace(key);
    if (added) it->second = entries_.insert(entries_.end(), Entry(key, Change()));
    return it->second->second;
  }
  // Forgets the change of `key`, if any, and returns it.
  std::optional<Entry> Take(const Key& key) {
    const auto it = by_key_.find(key);
    if (it == by_key_.end()) return std::nullopt;
    Entry entry = std::move(*it->second);
    entries_.erase(it->second);
    by_key_.erase(it);
    ShrinkIfSparse(by_key_);
    return entry;
  }
  // The oldest entry. REQUIRES: !empty().
  Entry TakeOldest() {
    Entry entry = std::move(entries_.front());
    entries_.pop_front();
    by_key_.erase(entry.first);
    ShrinkIfSparse(by_key_);
    return entry;
  }
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }

 private:
  std::list<Entry> entries_;
  std::unordered_map<Key, typename std::list<Entry>::iterator, Hash> by_key_;
};

}  // namespace rayx::control
