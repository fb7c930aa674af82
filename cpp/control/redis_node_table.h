// The table of nodes on Redis: written at once, changes announced on a channel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/io/event_loop.h"
#include "control/redis_shards.h"
#include "control/redis_subscription.h"
#include "control/tables.h"

namespace rayx::control {

class RedisNodeTable : public NodeTable {
 public:
  // Nodes that this process has found dead of which a server that has lost that is told again.
  static constexpr size_t kDeadKept = 100;

  // `endpoint` is the primary, for the connection that listens. Loop and shards must outlive the
  // table.
  RedisNodeTable(EventLoop* loop, RedisShards* shards, RedisEndpoint endpoint);

  void Register(const NodeRecord& node) override;
  void Heartbeat(const NodeId& node, double now) override;
  void MarkDead(const NodeId& node, double now) override;
  // Unavailable if the server has lost nodes that it had told of as living, and these do not tell
  // it of themselves within limits::kControlToldAgainMs; they count as gone then.
  void List(Callback<std::vector<NodeRecord>> done) override;
  void Subscribe(std::function<void(const NodeRecord&)> changed) override;

  // Queues the newest heartbeats; asks again what changed if asking has failed. Call once a turn.
  void Flush();
  // Queues the nodes that this process has registered and not marked dead, and which it has marked:
  // a server that came back may have lost them.
  void WriteAgain();

 private:
  // What tells a change that subscribers hear of: registering again is one.
  struct Seen {
    bool alive = false;
    double started_at = 0;
    friend bool operator==(const Seen&, const Seen&) = default;
  };

  // Who has asked for the nodes, and until when what the server has lost is waited for.
  struct Asked {
    Callback<std::vector<NodeRecord>> done;
    std::optional<int64_t> until_ms;
  };

  void Read(Asked asked);
  void OnRead(Asked asked, std::vector<NodeRecord> nodes);
  void ReadLater(Asked asked);
  size_t CountLost(const std::vector<NodeRecord>& nodes) const;

  void Write(const NodeRecord& node);
  void WriteDead(const NodeId& node, double now);
  void ReadAll();
  void OnAll(const std::vector<NodeRecord>& nodes);
  void NoteOwnChange(const NodeId& node);
  void OnMessage(const std::string& text);
  void Observe(const NodeRecord& node);

  EventLoop* const loop_;
  RedisShards* const shards_;
  const RedisEndpoint endpoint_;
  // Registered here and not marked dead.
  std::map<NodeId, NodeRecord> own_;
  // Marked dead here, and when; the oldest first.
  std::deque<std::pair<NodeId, double>> dead_;
  // Those that the server has last told of as living.
  std::set<NodeId> living_;
  std::vector<Asked> asking_later_;
  std::unique_ptr<EventLoop::Timer> later_;
  // Not yet queued; only the newest of a node counts.
  std::map<NodeId, double> heartbeats_;

  std::vector<std::function<void(const NodeRecord&)>> subscribers_;
  std::map<NodeId, Seen> seen_;
  // The nodes from before the first subscription are known: what differs from now on is news.
  bool seen_all_ = false;
  // Changed by this process since the first subscription, while seen_all_ was still false.
  std::set<NodeId> changed_early_;
  bool read_all_again_ = false;
  std::unique_ptr<RedisSubscription> subscription_;
};

}  // namespace rayx::control
