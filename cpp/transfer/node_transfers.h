// Both sides of one node, which pulls some values and gives others, or parts of the same, to
// others.
//
//   chunks that come ──▶ PullQueue ──chunk is here──▶ ServeQueue ──▶ chunks that go
//                          │ room        ▲ is it here?     │ pin
//                          └───────────▶ pool ◀────────────┘
//
// A part that is given up stays in its room until nothing of it is being sent.
#pragma once

#include <cstdint>
#include <set>

#include "common/base/ids.h"
#include "transfer/pull_queue.h"
#include "transfer/serve_queue.h"
#include "transfer/shell.h"

namespace rayx::transfer {

class NodeTransfers final : private PullQueue::Rooms, private ServeQueue::Copies {
 public:
  // The pool must outlive it.
  explicit NodeTransfers(Pool* pool, uint64_t chunk_bytes = kChunkBytes)
      : pool_(pool), chunk_bytes_(chunk_bytes), pulls_(this, chunk_bytes), serves_(this) {}

  PullQueue& pulls() { return pulls_; }
  const PullQueue& pulls() const { return pulls_; }
  ServeQueue& serves() { return serves_; }
  bool empty() const { return pulls_.empty() && serves_.empty() && leaving_.empty(); }

 private:
  bool Make(const ObjectId& id, uint64_t size_bytes) override;
  void Drop(const ObjectId& id) override;
  void OnChunkHere(const ChunkName& name) override { serves_.OnChunkHere(name); }
  void OnWhole(const ObjectId& id, Version version) override;

  Pinned Pin(const NodeId& reader, const ObjectId& id, Version version) override;
  void Unpin(const NodeId& reader, const ObjectId& id) override;
  bool HasChunk(const ChunkName& name) const override;
  void OnNothingSent(const ObjectId& id) override;

  Pool* const pool_;
  const uint64_t chunk_bytes_;
  PullQueue pulls_;
  ServeQueue serves_;
  // Rooms of parts that were given up while they were being sent.
  std::set<ObjectId> leaving_;
};

}  // namespace rayx::transfer
