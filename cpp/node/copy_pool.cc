#include "node/copy_pool.h"

#include "common/base/check.h"
#include "transfer/chunk_map.h"

namespace rayx::node {

using plasma::Extent;
using plasma::Sharing;

namespace {

constexpr auto kCopier = plasma::SharedObjects::kCopier;

// Where a chunk of a value lies.
Extent PartOf(const Extent& value, uint32_t chunk) {
  const transfer::ChunkRange range = transfer::RangeOf(value.size_bytes, chunk);
  return {.offset = value.offset + range.offset, .size_bytes = range.size};
}

}  // namespace

// ---- rooms --------------------------------------------------------------------------------------

bool CopyPool::MakeRoom(const ObjectId& id, uint64_t size_bytes) {
  Sharing* sharing = shared_.Find(id);
  if (sharing == nullptr) return false;
  sharing->size_bytes = size_bytes;
  // Its words for why there is none cost more than to ask.
  const auto has_room = [&] { return store_->Stats().pool_largest_free_bytes >= size_bytes; };
  if (!has_room() && !(reservations_->TakeBack() && has_room())) return false;
  const Result<uint64_t> offset = shared_.CreateCopy(id);
  if (!offset.ok()) return false;
  rooms_[id] = {.offset = *offset, .size_bytes = size_bytes};
  room_bytes_ += size_bytes;
  return true;
}

void CopyPool::DropRoom(const ObjectId& id) {
  room_bytes_ -= rooms_.extract(id).mapped().size_bytes;
  RAYX_CHECK(store_->Abort(kCopier, id).ok());
}

void CopyPool::Seal(const ObjectId& id, transfer::Version version) {
  room_bytes_ -= rooms_.extract(id).mapped().size_bytes;
  on_whole_(id, version);
}

void CopyPool::LetGo(const ObjectId& id) { (void)store_->RemoveClientReference(kCopier, id); }

Extent CopyPool::ChunkOfRoom(const transfer::ChunkName& name) const {
  return PartOf(rooms_.at(name.id), name.chunk);
}

uint64_t CopyPool::BytesForCopies() const {
  const plasma::StoreStats stats = store_->Stats();
  return stats.pool_bytes - stats.pool_used_bytes + room_bytes_;
}

// ---- values -------------------------------------------------------------------------------------

std::optional<uint64_t> CopyPool::Pin(const NodeId& /*reader*/, const ObjectId& id,
                                      transfer::Version version) {
  const Sharing* sharing = shared_.Find(id);
  if (sharing == nullptr || !store_->IsSealed(id) || sharing->version != version) {
    return std::nullopt;
  }
  const Result<plasma::ObjectLocation> here = store_->Pin(kCopier, id);
  RAYX_CHECK(here.ok() && !here->is_inline);
  return here->size;
}

void CopyPool::Unpin(const NodeId& /*reader*/, const ObjectId& id) {
  RAYX_CHECK(store_->Unpin(kCopier, id).ok());
}

Extent CopyPool::ChunkOfValue(const transfer::ChunkName& name) const {
  const plasma::ObjectLocation here = *store_->Find(name.id);
  return PartOf({.offset = here.offset, .size_bytes = here.size}, name.chunk);
}

}  // namespace rayx::node
