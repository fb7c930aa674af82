#include "transfer/serve_queue.h"

#include <algorithm>

#include "common/base/check.h"
#include "transfer/mutation.h"

namespace rayx::transfer {

// ---- readers ------------------------------------------------------------------------------------

bool ServeQueue::OnAsk(const NodeId& node, const ChunkName& name) {
  Reader& reader = readers_[node];
  const auto [found, is_new] = reader.readings.try_emplace(name.id);
  Reading& reading = found->second;
  if (is_new) {
    reading.version = name.version;
    reading.copy = copies_->Pin(node, name.id, name.version);
  }
  // Of a version that it has left, something may still be being sent.
  if (reading.copy.kind == Copies::Kind::kNone || reading.is_gone ||
      reading.version != name.version) {
    missing_.emplace_back(node, CopyMissing{.id = name.id, .version = name.version});
    EndIfIdle(node, name.id);
    return true;
  }
  reading.is_left = false;
  if (name.chunk >= reading.copy.chunks || reader.asked >= kAskedMax) return false;
  ++reader.asked;
  if (reading.copy.kind == Copies::Kind::kWhole || copies_->HasChunk(name) ||
      RAYX_TRANSFER_MUTATION(kServeUnwritten)) {
    MakeReady(reader, name.id, reading, name.chunk);
    return true;
  }
  // Nobody who keeps to the rules asks for it a second time.
  return reading.later.insert(name.chunk).second;
}

void ServeQueue::OnLeave(const NodeId& reader, const ObjectId& id) { Leave(reader, id); }

void ServeQueue::Leave(const NodeId& node, const ObjectId& id) {
  const auto reader = readers_.find(node);
  if (reader == readers_.end()) return;
  const auto reading = reader->second.readings.find(id);
  if (reading == reader->second.readings.end()) return;
  ForgetAsked(reader->second, id, reading->second);
  reading->second.is_left = true;
  EndIfIdle(node, id);
}

void ServeQueue::OnReaderGone(const NodeId& node) {
  const auto reader = readers_.find(node);
  if (reader == readers_.end()) return;
  std::vector<ObjectId> ids;
  for (auto& [id, reading] : reader->second.readings) {
    reading.being_sent = 0;
    ids.push_back(id);
  }
  for (const ObjectId& id : ids) Leave(node, id);
}

void ServeQueue::ForgetAsked(Reader& reader, const ObjectId& id, Reading& reading) {
  reader.asked -= reading.ready.size() + reading.later.size();
  reading.ready.clear();
  reading.later.clear();
  std::erase(reader.turns, id);
}

void ServeQueue::EndIfIdle(const NodeId& node, const ObjectId& id) {
  Reader& reader = readers_.at(node);
  const auto found = reader.readings.find(id);
  Reading& reading = found->second;
  const Copies::Kind kind = reading.copy.kind;
  const bool is_over = reading.is_left || kind == Copies::Kind::kNone;
  if (!is_over || reading.being_sent > 0) return;
  reader.readings.erase(found);
  if (reader.readings.empty()) readers_.erase(node);
  if (kind == Copies::Kind::kWhole && !RAYX_TRANSFER_MUTATION(kKeepPin)) copies_->Unpin(node, id);
  if (kind == Copies::Kind::kPart && !IsSending(id)) copies_->OnNothingSent(id);
}

// ---- parts --------------------------------------------------------------------------------------

void ServeQueue::MakeReady(Reader& reader, const ObjectId& id, Reading& reading, uint32_t chunk) {
  if (reading.ready.empty()) reader.turns.push_back(id);
  reading.ready.push_back(chunk);
}

void ServeQueue::OnChunkHere(const ChunkName& name) {
  for (auto& [node, reader] : readers_) {
    const auto reading = reader.readings.find(name.id);
    if (reading == reader.readings.end() || reading->second.version != name.version) continue;
    if (reading->second.later.erase(name.chunk) == 0) continue;
    MakeReady(reader, name.id, reading->second, name.chunk);
  }
}

void ServeQueue::OnWhole(const ObjectId& id) {
  for (auto& [node, reader] : readers_) {
    const auto reading = reader.readings.find(id);
    if (reading == reader.readings.end() || reading->second.copy.kind != Copies::Kind::kPart)
      continue;
    // What is given up does not become whole.
    RAYX_CHECK(!reading->second.is_gone);
    reading->second.copy = copies_->Pin(node, id, reading->second.version);
    RAYX_CHECK(reading->second.copy.kind == Copies::Kind::kWhole);
  }
}

void ServeQueue::OnCopyGone(const ObjectId& id) {
  std::vector<NodeId> parted;
  for (auto& [node, reader] : readers_) {
    const auto reading = reader.readings.find(id);
    if (reading == reader.readings.end() || reading->second.copy.kind != Copies::Kind::kPart)
      continue;
    if (!reading->second.is_left) {
      missing_.emplace_back(node, CopyMissing{.id = id, .version = reading->second.version});
    }
    reading->second.is_gone = true;
    parted.push_back(node);
  }
  for (const NodeId& node : parted) Leave(node, id);
}

// ---- sending ------------------------------------------------------------------------------------

std::optional<ChunkName> ServeQueue::Next(const NodeId& node) {
  const auto found = readers_.find(node);
  if (found == readers_.end() || found->second.turns.empty()) return std::nullopt;
  Reader& reader = found->second;
  const ObjectId id = reader.turns.front();
  reader.turns.pop_front();
  Reading& reading = reader.readings.at(id);
  const ChunkName name = {.id = id, .version = reading.version, .chunk = reading.ready.front()};
  reading.ready.pop_front();
  if (!reading.ready.empty()) reader.turns.push_back(id);
  ++reading.being_sent;
  --reader.asked;
  return name;
}

void ServeQueue::OnSent(const NodeId& node, const ChunkName& name) {
  const auto reader = readers_.find(node);
  if (reader == readers_.end()) return;
  const auto reading = reader->second.readings.find(name.id);
  if (reading == reader->second.readings.end() || reading->second.being_sent == 0) return;
  --reading->second.being_sent;
  EndIfIdle(node, name.id);
}

bool ServeQueue::IsSending(const ObjectId& id) const {
  return std::ranges::any_of(readers_, [&id](const auto& one) {
    const auto reading = one.second.readings.find(id);
    return reading != one.second.readings.end() && reading->second.being_sent > 0;
  });
}

std::vector<std::pair<NodeId, CopyMissing>> ServeQueue::TakeMissing() {
  return std::exchange(missing_, {});
}

}  // namespace rayx::transfer
