// The streams on which other nodes pull chunks of values from this one, as many at a time as a
// stream takes, in the order that the core has for each reader (node/copy_streams.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "daemon/peers/pool_service.h"
#include "node/node_core.h"
#include "transfer/transfer_values.h"

namespace rayx::daemon {

class ServeStreams {
 public:
  // All must outlive it, and need not be made yet.
  ServeStreams(EventLoop* loop, PoolService* pool, node::NodeCore* core)
      : loop_(loop), pool_(pool), core_(core) {}
  ~ServeStreams();
  ServeStreams(const ServeStreams&) = delete;
  ServeStreams& operator=(const ServeStreams&) = delete;

  // A stream of `reader`, behind its greeting; the end of one that it had.
  void Take(const NodeId& reader, std::unique_ptr<ByteStream> stream);
  // As node::OtherNodes::SendOnStream.
  void Say(const NodeId& reader, const transfer::CopyMissing& message);
  void OnNodeGone(const NodeId& node);
  // In each turn of the loop: before the core's turn, which is told what has ended, and after it.
  void BeforeTurn();
  // True if a stream takes more at once: another turn should follow.
  bool AfterTurn();

 private:
  struct Stream {
    // Tells it apart from one that it has followed, which may have something to say yet.
    uint64_t number = 0;
    std::unique_ptr<Connection> connection;
    // The chunk of which a part is sent.
    std::optional<node::CopyStreams::Chunk> sending;
    // To be said before the next chunk.
    std::vector<transfer::CopyMissing> missing;
    bool is_closed = false;
  };

  node::CopyStreams& copies() { return core_->objects().remote().copies().streams(); }
  void OnFrames(const NodeId& reader, uint64_t number);
  // As much as the stream should hold. True if it takes more at once.
  bool Fill(const NodeId& reader, Stream& stream);
  Status SendSome(const NodeId& reader, Stream& stream);

  EventLoop* const loop_;
  PoolService* const pool_;
  node::NodeCore* const core_;
  std::map<NodeId, Stream> streams_;
  uint64_t last_number_ = 0;
  // Streams that have been followed by others, to be ended outside of callbacks.
  std::vector<std::unique_ptr<Connection>> replaced_;
  std::vector<uint8_t> buffer_;
};

}  // namespace rayx::daemon
