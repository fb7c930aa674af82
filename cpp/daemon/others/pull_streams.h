// The streams on which this node pulls chunks of values, one to each node that it pulls from. What
// comes is written into the pool, to where the core says (node/copy_streams.h).
//
//   core ──SendOnStream──▶ its stream, which is dialled if there is none
//   Begin, OnChunk, CopyMissing ◀── what comes on it;  OnSourceLost ◀── its end
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "daemon/others/copy_codec.h"
#include "daemon/peers/pool_service.h"
#include "node/node_core.h"
#include "transfer/transfer_values.h"

namespace rayx::daemon {

class PullStreams {
 public:
  // A stream to a node, which may still be connecting, for what ServeStreams hears and says.
  using DialNode = std::function<Result<std::unique_ptr<ByteStream>>(const NodeId&)>;

  // All must outlive it, and need not be made yet.
  PullStreams(EventLoop* loop, PoolService* pool, node::NodeCore* core, DialNode dial)
      : loop_(loop), pool_(pool), core_(core), dial_(std::move(dial)) {}
  ~PullStreams();
  PullStreams(const PullStreams&) = delete;
  PullStreams& operator=(const PullStreams&) = delete;

  // As node::OtherNodes::SendOnStream.
  void Say(const NodeId& source, const transfer::ToSource& message);
  // The session with the node has ended.
  void OnNodeGone(const NodeId& node);
  // In each turn of the loop: before the core's turn, which is told what has ended, and after it.
  void BeforeTurn();
  void AfterTurn();

 private:
  // A chunk that comes.
  struct Coming {
    transfer::ChunkName name;
    // Where it is written from now on; nothing: it is thrown away.
    std::optional<uint64_t> offset;
    uint64_t left = 0;
  };
  struct Stream {
    std::unique_ptr<Connection> connection;
    std::optional<Coming> coming;
    bool is_closed = false;
  };

  node::CopyStreams& copies() { return core_->objects().remote().copies().streams(); }
  // Null if the node cannot be dialled.
  Stream* StreamTo(const NodeId& source);
  void OnFrames(const NodeId& source);
  Status Hear(const NodeId& source, Stream& stream, const Frame& frame);
  Status OnBegins(const NodeId& source, Stream& stream, const ChunkBegins& begins);
  Status OnBytes(const NodeId& source, Stream& stream, std::span<const uint8_t> bytes);

  EventLoop* const loop_;
  PoolService* const pool_;
  node::NodeCore* const core_;
  const DialNode dial_;
  std::map<NodeId, Stream> streams_;
  // Those that could not be dialled, of which the core has not been told.
  std::set<NodeId> unreached_;
};

}  // namespace rayx::daemon
