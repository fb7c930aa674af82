#include "node/copy_streams.h"

#include <string>

namespace rayx::node {

using transfer::ChunkName;

// ---- as the source ------------------------------------------------------------------------------

Status CopyStreams::OnAsk(const NodeId& reader, const ChunkName& name) {
  if (transfers_->serves().OnAsk(reader, name)) return Status::Ok();
  return Status::ProtocolError("chunk " + std::to_string(name.chunk) + " of object " +
                               name.id.Hex() + " is none, or was asked for before");
}

std::optional<CopyStreams::Chunk> CopyStreams::Next(const NodeId& reader) {
  const std::optional<ChunkName> name = transfers_->serves().Next(reader);
  if (!name) return std::nullopt;
  const bool is_part = transfers_->pulls().PartOf(name->id, name->version) != nullptr;
  return Chunk{.name = *name,
               .extent = is_part ? pool_->ChunkOfRoom(*name) : pool_->ChunkOfValue(*name)};
}

// ---- as the puller ------------------------------------------------------------------------------

std::optional<plasma::Extent> CopyStreams::Begin(const NodeId& source, const ChunkName& name) {
  LeaveIfHere(name.id);
  if (!transfers_->pulls().Begin(source, name)) return std::nullopt;
  return pool_->ChunkOfRoom(name);
}

void CopyStreams::OnChunk(const NodeId& source, const ChunkName& name, bool is_whole) {
  LeaveIfHere(name.id);
  transfers_->pulls().OnChunk(source, name, is_whole);
}

void CopyStreams::LeaveIfHere(const ObjectId& id) {
  if (pool_->IsHere(id)) transfers_->pulls().SetIsHere(id, true);
}

}  // namespace rayx::node
