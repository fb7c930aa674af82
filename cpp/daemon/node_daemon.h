// The node daemon: the core of a node (node/node_core.h) with its connections, processes and
// tables, on one loop.
//
// In a turn, the loop delivers what has arrived, which is decoded and told to the core. Then OnTurn
// lets the core take its turn, flushes every socket and the control tables once, and lets the pacer
// decide how soon to hear again.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "common/os/scoped_fd.h"
#include "control/tables.h"
#include "daemon/latency/lease_service.h"
#include "daemon/latency/turn_pacer.h"
#include "daemon/listening/listener.h"
#include "daemon/message_reader.h"
#include "daemon/messages/message_writer.h"
#include "daemon/network/node_network.h"
#include "daemon/node_options.h"
#include "daemon/others/drain_service.h"
#include "daemon/others/other_nodes.h"
#include "daemon/peers/peer_messages.h"
#include "daemon/peers/peer_table.h"
#include "daemon/peers/pool_service.h"
#include "daemon/questions.h"
#include "daemon/records/node_records.h"
#include "daemon/workers/orphan_reaper.h"
#include "daemon/workers/output_files.h"
#include "daemon/workers/worker_service.h"
#include "node/node_core.h"

namespace rayx::daemon {

class NodeDaemon {
 public:
  // `loop` must outlive the daemon. `network` is null for a node that is alone.
  NodeDaemon(EventLoop* loop, NodeOptions options, NodeId id,
             std::unique_ptr<control::Tables> tables, std::unique_ptr<NodeNetwork> network);
  ~NodeDaemon();
  NodeDaemon(const NodeDaemon&) = delete;
  NodeDaemon& operator=(const NodeDaemon&) = delete;

  // Makes the pool, listens, starts the worker template, registers the node. Then announces "ready"
  // on the lifeline. `servers`: of the head of a cluster, its control servers.
  Status Start(const std::vector<control::RedisEndpoint>& servers);
  // Ends a turn, see above. True if another turn should follow at once.
  bool OnTurn();
  // What it has for other nodes goes to others, then it stops; see DrainService. Unavailable, with
  // words for people, if it is alone, or the head.
  Status Drain(std::optional<int64_t> grace_ms, const std::string& why);
  // Ends everything that belongs to the node, then the loop.
  void Stop(const std::string& reason);
  // State of every part, for SIGUSR1 and the Dump query.
  std::string DebugText();

 private:
  // What it tells of itself to who asks.
  Questions::Self ToldBySelf();
  Status MakePool();
  Status WatchLifeline();
  void OnLifeline();
  void TellSupervisorOf(const std::string& line);
  // Ends the node if that is drained.
  void EndDrain();

  Status OnFrame(ConnectedPeer& peer, const Frame& frame);
  Status OnClientFrame(ConnectedPeer& peer, const Frame& frame);
  Status OnOutputFrame(ConnectedPeer& peer, const Frame& frame);
  Status OnObserversFrame(ConnectedPeer& peer, const Frame& frame);
  // These end the handshake: from then on the peer is of the kind that it says it is.
  Status OnStrangersHello(ConnectedPeer& peer, const Frame& frame);
  Status OnDriversHello(ConnectedPeer& peer, const protocol::Hello& hello);
  Status OnOutputsHello(ConnectedPeer& peer, const protocol::Hello& hello);
  Status OnWorkersHello(ConnectedPeer& peer, const Frame& frame);
  Status Open(ConnectedPeer& peer, PeerKind kind);
  // The hello, if this node understands the peer; otherwise the peer is refused.
  Result<const protocol::Hello*> ReadHello(ConnectedPeer& peer, const Frame& frame);
  Status Refuse(ConnectedPeer& peer, const std::string& reason);
  Status Welcome(ConnectedPeer& peer);
  // Answers the questions that had to wait until the frames of this turn were handled.
  void AnswerLateQueries();
  Status JoinCluster(const std::vector<control::RedisEndpoint>& servers);
  void OnExpelled(Expulsion why, const std::string& text);
  void OnPeerClosed(ConnectedPeer& peer, const Status& reason);
  void WatchProcess(const ConnectedPeer& peer, DriverPeer* driver);
  void OnWorkerOutput(const WorkerProcess& worker, bool is_stderr, const std::string& lines);
  void ReapChildren();
  // Once a second: the node says that it lives, and parts look at what they have not used.
  void BeatHeart(int64_t now_ms);
  // Writes what the turn has to say, first to the peers that may be waiting for it.
  void FlushAll(int64_t now_ms);
  void SetTimer();

  EventLoop* loop_;
  NodeOptions options_;
  NodeId id_;
  // As it is in the table of nodes; complete when the node has started.
  control::NodeRecord self_;
  // Before the tables, which may reach their servers through it.
  std::unique_ptr<NodeNetwork> network_;
  std::unique_ptr<control::Tables> tables_;
  MessageWriter writer_;
  PeerTable peers_;
  WorkerService workers_;
  PeerMessages peer_messages_;
  TurnPacer pacer_;
  LeaseService shortcuts_;
  NodeRecords records_;
  PoolService pool_;
  // Null for a node that is alone.
  std::unique_ptr<OtherNodes> others_;
  // The members above carry out what the core asks, and tell it what happens.
  node::NodeCore core_;
  DrainService drain_;
  MessageReader reader_;
  Questions questions_;
  OrphanReaper reaper_;
  Listener listener_;
  // Null unless workers' output goes to files.
  std::unique_ptr<OutputFiles> output_files_;

  std::unique_ptr<EventLoop::Watcher> lifeline_watch_;
  std::unique_ptr<EventLoop::Timer> timer_;
  int64_t timer_at_ms_ = -1;
  int64_t heartbeat_at_ms_ = 0;
  struct LateQuery {
    ClientId client = kNoClient;
    std::vector<uint8_t> payload;
  };
  std::vector<LateQuery> late_queries_;
  pid_t supervisor_pid_ = 0;
  bool supervisor_gone_ = false;
  bool stopping_ = false;
};

}  // namespace rayx::daemon
