// Answers other nodes that ask for values of this one's pool: on each of their streams one value
// after the other, as fast as the stream takes it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "daemon/peers/peer_table.h"
#include "daemon/peers/pool_service.h"
#include "node/node_core.h"

namespace rayx::daemon {

class ValueServer {
 public:
  // All must outlive it, and need not be made yet.
  ValueServer(EventLoop* loop, PeerTable* peers, PoolService* pool, node::NodeCore* core)
      : loop_(loop), peers_(peers), pool_(pool), core_(core) {}
  ~ValueServer();
  ValueServer(const ValueServer&) = delete;
  ValueServer& operator=(const ValueServer&) = delete;

  // A stream of `node`, behind its greeting.
  void Take(const NodeId& node, std::unique_ptr<ByteStream> stream);
  void OnNodeGone(const NodeId& node);
  // In each turn of the loop. True if a stream takes more at once: another turn should follow.
  bool OnTurn();

 private:
  struct Sending {
    ObjectId id;
    uint64_t offset = 0;
    uint64_t left = 0;
  };
  // What is pinned for the stream is pinned for a client of the store: its key.
  struct Stream {
    NodeId node;
    std::unique_ptr<Connection> connection;
    std::deque<ObjectId> asked;
    std::optional<Sending> sending;
    bool is_closed = false;
  };

  void OnFrames(Stream& stream);
  // As much as the stream should hold.
  void Fill(ClientId client, Stream& stream);
  void Begin(ClientId client, Stream& stream, const ObjectId& id);
  Status SendSome(ClientId client, Stream& stream);

  EventLoop* const loop_;
  PeerTable* const peers_;
  PoolService* const pool_;
  node::NodeCore* const core_;
  std::unordered_map<ClientId, Stream> streams_;
  std::vector<uint8_t> buffer_;
};

}  // namespace rayx::daemon
