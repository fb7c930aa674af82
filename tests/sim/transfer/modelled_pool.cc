#include "sim/transfer/modelled_pool.h"

#include <algorithm>

namespace rayx::transfer_sim {

using transfer::Version;

// ---- rooms --------------------------------------------------------------------------------------

bool ModelledPool::MakeRoom(const ObjectId& id, uint64_t size_bytes) {
  if (values_.contains(id)) owner_.broken("room is made for a value that is here");
  if (rooms_.contains(id)) owner_.broken("room is made a second time");
  // Free memory may lie in pieces.
  if (!is_calm_ && dice_->OneIn(12)) return false;
  while (used_bytes() + size_bytes > capacity_bytes_) {
    if (!EvictOne()) return false;
  }
  const size_t chunks = static_cast<size_t>((size_bytes + kChunkBytes - 1) / kChunkBytes);
  rooms_[id].size_bytes = size_bytes;
  rooms_[id].chunks.resize(chunks);
  return true;
}

void ModelledPool::DropRoom(const ObjectId& id) {
  if (rooms_.erase(id) == 0) owner_.broken("a room is dropped that is not there");
}

void ModelledPool::Seal(const ObjectId& id, Version version) {
  const auto room = rooms_.find(id);
  if (room == rooms_.end()) return owner_.broken("a value is sealed that has no room");
  for (const std::optional<Version>& chunk : room->second.chunks) {
    if (!chunk) owner_.broken("a value is sealed that is too short");
    if (chunk != version) owner_.broken("a value is sealed that is mixed of two");
  }
  values_[id] = {.version = version, .size_bytes = room->second.size_bytes};
  rooms_.erase(room);
}

// ---- values -------------------------------------------------------------------------------------

std::optional<uint64_t> ModelledPool::Pin(const NodeId& reader, const ObjectId& id,
                                          Version version) {
  const auto value = values_.find(id);
  if (value == values_.end() || value->second.version != version) return std::nullopt;
  if (++value->second.pins[reader] > 1) owner_.broken("a reader pins a value twice");
  return value->second.size_bytes;
}

void ModelledPool::Unpin(const NodeId& reader, const ObjectId& id) {
  const auto value = values_.find(id);
  if (value == values_.end() || value->second.pins.erase(reader) == 0) {
    owner_.broken("a value is unpinned that was not pinned");
  }
}

bool ModelledPool::Make(const ObjectId& id, Version version, uint64_t size_bytes) {
  while (used_bytes() + size_bytes > capacity_bytes_) {
    if (!EvictOne()) return false;
  }
  values_[id] = {.version = version, .size_bytes = size_bytes, .is_primary = true};
  return true;
}

void ModelledPool::Drop(const ObjectId& id) { values_.erase(id); }

void ModelledPool::RemoveReference(const ObjectId& id) {
  if (--references_[id] == 0) references_.erase(id);
}

std::optional<Version> ModelledPool::VersionOf(const ObjectId& id) const {
  const auto value = values_.find(id);
  return value == values_.end() ? std::nullopt : std::optional(value->second.version);
}

uint64_t ModelledPool::primary_bytes() const {
  uint64_t sum = 0;
  for (const auto& [id, value] : values_) sum += value.is_primary ? value.size_bytes : 0;
  return sum;
}

bool ModelledPool::IsIdle(const ObjectId& id) const {
  const auto value = values_.find(id);
  return value != values_.end() && value->second.pins.empty() && !references_.contains(id);
}

bool ModelledPool::EvictOne() {
  for (const auto& [id, value] : values_) {
    if (value.is_primary || !IsIdle(id) || owner_.is_held(id)) continue;
    const ObjectId evicted = id;
    values_.erase(evicted);
    owner_.evicted(evicted);
    return true;
  }
  return false;
}

// ---- bytes --------------------------------------------------------------------------------------

std::optional<Version> ModelledPool::Read(const ObjectId& id, uint32_t chunk) const {
  if (const auto value = values_.find(id); value != values_.end()) return value->second.version;
  const auto room = rooms_.find(id);
  if (room == rooms_.end() || chunk >= room->second.chunks.size()) return std::nullopt;
  return room->second.chunks[chunk];
}

void ModelledPool::Write(const ObjectId& id, uint32_t chunk, Version version) {
  const auto room = rooms_.find(id);
  if (room == rooms_.end()) return owner_.broken("bytes are written where no room is");
  std::optional<Version>& held = room->second.chunks.at(chunk);
  if (held) owner_.broken("a chunk comes that was there already");
  held = version;
}

uint64_t ModelledPool::used_bytes() const {
  uint64_t used = 0;
  for (const auto& [id, value] : values_) used += value.size_bytes;
  for (const auto& [id, room] : rooms_) used += room.size_bytes;
  return used;
}

uint64_t ModelledPool::BytesForCopies(const std::function<bool(const ObjectId&)>& is_pull) const {
  uint64_t kept = 0;
  for (const auto& [id, value] : values_) {
    if (value.is_primary || !IsIdle(id)) kept += value.size_bytes;
  }
  // One that was given up, and is still being sent.
  for (const auto& [id, room] : rooms_) {
    if (!is_pull(id)) kept += room.size_bytes;
  }
  return capacity_bytes_ - kept;
}

std::string ModelledPool::Leftovers() const {
  if (!rooms_.empty()) return "a room is left";
  for (const auto& [id, value] : values_) {
    if (!value.pins.empty()) return "a value is pinned by a reader that is done";
  }
  return "";
}

}  // namespace rayx::transfer_sim
