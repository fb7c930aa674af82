#include "transfer/node_transfers.h"

#include <optional>

#include "transfer/mutation.h"

namespace rayx::transfer {

// ---- rooms --------------------------------------------------------------------------------------

bool NodeTransfers::Make(const ObjectId& id, uint64_t size_bytes) {
  return !leaving_.contains(id) && pool_->MakeRoom(id, size_bytes);
}

void NodeTransfers::Drop(const ObjectId& id) {
  serves_.OnCopyGone(id);
  if (serves_.IsSending(id) && !RAYX_TRANSFER_MUTATION(kDropWhileSent)) {
    leaving_.insert(id);
  } else {
    pool_->DropRoom(id);
  }
}

void NodeTransfers::OnNothingSent(const ObjectId& id) {
  if (leaving_.erase(id) > 0) pool_->DropRoom(id);
}

void NodeTransfers::OnWhole(const ObjectId& id, Version version) {
  pool_->Seal(id, version);
  serves_.OnWhole(id);
}

// ---- copies -------------------------------------------------------------------------------------

ServeQueue::Copies::Pinned NodeTransfers::Pin(const NodeId& reader, const ObjectId& id,
                                              Version version) {
  if (const std::optional<uint64_t> size_bytes = pool_->Pin(reader, id, version)) {
    if (RAYX_TRANSFER_MUTATION(kForgetPin)) pool_->Unpin(reader, id);
    return {.kind = Kind::kWhole, .chunks = ChunkMap(*size_bytes, chunk_bytes_).count()};
  }
  if (const ChunkMap* part = pulls_.PartOf(id, version)) {
    return {.kind = Kind::kPart, .chunks = part->count()};
  }
  return {};
}

bool NodeTransfers::HasChunk(const ChunkName& name) const {
  const ChunkMap* part = pulls_.PartOf(name.id, name.version);
  return part != nullptr && part->has(name.chunk);
}

void NodeTransfers::Unpin(const NodeId& reader, const ObjectId& id) {
  if (!RAYX_TRANSFER_MUTATION(kForgetPin)) pool_->Unpin(reader, id);
}

}  // namespace rayx::transfer
