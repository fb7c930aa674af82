// Rooms of the pool that clients may fill without asking first. Each belongs to one client until
// that has filled it, or the room is given back.
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

class ReservedRooms {
 public:
  // REQUIRES: the room is reserved for nobody.
  void Add(ClientId client, Extent room) {
    RAYX_CHECK(rooms_.emplace(Key{client, room.offset}, room.size_bytes).second);
    bytes_ += room.size_bytes;
  }
  // The client's room that begins there, if it has one; it is not reserved any more.
  std::optional<Extent> Take(ClientId client, uint64_t offset) {
    const auto found = rooms_.find(Key{client, offset});
    if (found == rooms_.end()) return std::nullopt;
    const Extent room{offset, found->second};
    bytes_ -= room.size_bytes;
    rooms_.erase(found);
    return room;
  }
  std::vector<Extent> TakeAllOf(ClientId client) {
    std::vector<Extent> taken;
    const auto first = rooms_.lower_bound(Key{client, 0});
    auto end = first;
    for (; end != rooms_.end() && end->first.first == client; ++end) {
      taken.push_back({end->first.second, end->second});
      bytes_ -= end->second;
    }
    rooms_.erase(first, end);
    return taken;
  }

  size_t size() const { return rooms_.size(); }
  uint64_t bytes() const { return bytes_; }

 private:
  // Client and offset.
  using Key = std::pair<ClientId, uint64_t>;
  // The size of each.
  std::map<Key, uint64_t> rooms_;
  uint64_t bytes_ = 0;
};

}  // namespace rayx::plasma
