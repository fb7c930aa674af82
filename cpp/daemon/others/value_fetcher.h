// Makes copies of values that other nodes have: asks one that has it, on a stream to that node, and
// writes what comes into the pool.
//
//   Pull ──▶ asked at a node ──▶ coming ──▶ RemoteObjects::OnCopied
//              │  ▲   │
//              │  └───┘ the node has it not, or is gone: the next one; no other: OnCopyFailed
//              └─▶ waits for room in the pool, and is asked again
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "daemon/peers/pool_service.h"
#include "node/node_core.h"

namespace rayx::daemon {

class ValueFetcher {
 public:
  // A stream to a node, which may still be connecting, on which that answers with values.
  using DialNode = std::function<Result<std::unique_ptr<ByteStream>>(const NodeId&)>;

  // All must outlive it, and need not be made yet.
  ValueFetcher(EventLoop* loop, PoolService* pool, node::NodeCore* core, DialNode dial)
      : loop_(loop), pool_(pool), core_(core), dial_(std::move(dial)) {}
  ~ValueFetcher();
  ValueFetcher(const ValueFetcher&) = delete;
  ValueFetcher& operator=(const ValueFetcher&) = delete;

  // As node::OtherNodes::Pull.
  void Pull(const ObjectId& id, uint64_t size_bytes, std::span<const NodeId> places);
  // The session with the node has ended.
  void OnNodeGone(const NodeId& node);
  // In each turn of the loop, before the core's turn: tells it what has come to nothing.
  void OnTurn();
  // After it: asks for what the core wants now.
  void AfterTurn();
  // When OnTurn should be called although nothing happens.
  std::optional<int64_t> NextTickMs() const;
  std::string DebugText() const;

 private:
  struct Pulling {
    uint64_t size_bytes = 0;
    // Still to be asked.
    std::vector<NodeId> places;
    // Asked now; nil while it waits for room.
    NodeId source;
  };
  struct Coming {
    ObjectId id;
    // Nothing: it is not needed any more, or there is no room; what comes is thrown away.
    std::optional<uint64_t> offset;
    uint64_t left = 0;
    std::vector<ObjectId> contained;
  };
  struct Source {
    std::unique_ptr<Connection> connection;
    // Asked, in order.
    std::deque<ObjectId> asked;
    std::optional<Coming> coming;
    bool is_closed = false;
  };

  node::RemoteObjects& remote() { return core_->objects().remote(); }
  // The next place is asked, or it has failed.
  void Ask(const ObjectId& id);
  Source* SourceOf(const NodeId& node);
  void OnFrames(const NodeId& node);
  Status Hear(Source& source, const Frame& frame);
  Status OnBegins(Source& source, std::span<const uint8_t> payload);
  Status OnBytes(Source& source, std::span<const uint8_t> bytes);
  void OnWhole(Source& source);
  // What waits for a moment to pass.
  void Retry();
  // What it was asked for is asked elsewhere.
  void Leave(const Source& source);

  EventLoop* const loop_;
  PoolService* const pool_;
  node::NodeCore* const core_;
  const DialNode dial_;
  std::unordered_map<ObjectId, Pulling> pulls_;
  std::map<NodeId, Source> sources_;
  // To be asked for in the next turn: what a node has not, or a stream has lost.
  std::vector<ObjectId> again_;
  // Waits for room in the pool.
  std::set<ObjectId> waiting_;
  // No place had it, which the core is told a moment later.
  std::set<ObjectId> failed_;
  int64_t retry_ms_ = 0;
};

}  // namespace rayx::daemon
