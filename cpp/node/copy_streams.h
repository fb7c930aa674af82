// What comes and goes on the streams for bulk between this node and others: chunks of values, and
// what is said about them. The shell has the streams, and moves the bytes.
#pragma once

#include <optional>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/copy_pool.h"
#include "plasma/object_entry.h"
#include "transfer/node_transfers.h"

namespace rayx::node {

class CopyStreams {
 public:
  // A part of a value, and where it lies in the pool.
  struct Chunk {
    transfer::ChunkName name;
    plasma::Extent extent;
  };

  // Both must outlive it.
  CopyStreams(transfer::NodeTransfers* transfers, const CopyPool* pool)
      : transfers_(transfers), pool_(pool) {}

  // --- as the source; a reader has one stream ---
  // Not OK: a breach of protocol.
  Status OnAsk(const NodeId& reader, const transfer::ChunkName& name);
  void OnLeave(const NodeId& reader, const ObjectId& id) {
    transfers_->serves().OnLeave(reader, id);
  }
  // Its stream is cut; or there is a new one, and nothing is being sent on the old one.
  void OnReaderGone(const NodeId& reader) { transfers_->serves().OnReaderGone(reader); }
  // The next chunk for a reader. Its bytes stay where they are until OnSent, or OnReaderGone.
  std::optional<Chunk> Next(const NodeId& reader);
  void OnSent(const NodeId& reader, const transfer::ChunkName& name) {
    transfers_->serves().OnSent(reader, name);
  }

  // --- as the puller ---
  // A chunk begins to come: where its bytes go, which stays theirs until OnChunk, of which there
  // must be one. Nothing: they are thrown away.
  std::optional<plasma::Extent> Begin(const NodeId& source, const transfer::ChunkName& name);
  // It was written, or broke off.
  void OnChunk(const NodeId& source, const transfer::ChunkName& name, bool is_whole);
  void On(const NodeId& source, const transfer::CopyMissing& message) {
    transfers_->pulls().On(source, message);
  }
  // Its stream is cut, or could not be opened. What had begun to come has been ended by OnChunk.
  void OnSourceLost(const NodeId& source) { transfers_->pulls().OnSourceLost(source); }

 private:
  // What has come in another way is not pulled any more, though the store has not said so yet.
  void LeaveIfHere(const ObjectId& id);

  transfer::NodeTransfers* const transfers_;
  const CopyPool* const pool_;
};

}  // namespace rayx::node
