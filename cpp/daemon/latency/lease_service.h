// Worker leases: a client that has one task after the other run by the same worker, and waits for
// each, gives that worker the tasks itself.
//
// The way through the node and back costs a round trip two turns of the node and two changes of
// processes, more than half of its time. So when the node sees that it only passes messages on
// (ping_pong.h), it gives the client and the worker the ends of a socket pair, and the client the
// memory of the worker's claim word, in which the client takes a number for each task:
//
//            1. a number (claim word)
//   client ─────────────────────────────────▶ worker
//     │ │    3. RunTask, 5. TaskDone           │
//     │ └─────(direct channel)──────────────────┘
//     │ 2. TaskGiven                           │ 4. TaskDone
//     ▼                                        ▼
//   node ◀─────────────────────────────────────┘      (whenever it comes to it)
//
// Nothing else changes. The node learns of each task and its results as of any other, only later;
// it alone knows about references, retries and errors, and handles whatever goes wrong. The order
// of 1 to 5 puts what the worker says of a task behind what the client has said of it. So before
// the node handles what it has read from the worker, it reads what the client has sent (CatchUp),
// and if the worker dies it knows every task that the worker can have begun.
//
//                 kRounds in a row, one worker
//   watching ─────────────────────────────────▶ open ◀──┐ TaskGiven
//      ▲                                        │  │    │
//      └────────────────────────────────────────┘  └────┘
//    the client submits to the node, another task needs the worker (scheduler/transitions/lease.h),
//    or nothing comes for a while
//
// The socket pair is kept for the next time, until another pair of client and worker gets one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/protocol/task_spec.h"
#include "daemon/latency/turn_pacer.h"
#include "daemon/messages/message_writer.h"
#include "daemon/peers/peer_table.h"
#include "daemon/workers/worker_service.h"
#include "node/node_core.h"

namespace rayx::daemon {

class LeaseService final : public node::Shortcuts {
 public:
  // How many rounds through the node, by tasks that could go directly, follow those that made it
  // notice.
  static constexpr int kRounds = 8;

  // All must outlive it; `core` is used from the first event on.
  LeaseService(PeerTable* peers, MessageWriter* writer, WorkerService* workers,
               node::NodeCore* core, TurnPacer* pacer);

  // --- tasks that go through the node ---

  void OnSubmitted(node::Peer& client, const TaskSpec& spec) override;
  void OnEnded(WorkerNumber worker, const TaskId& task) override;

  // --- tasks that do not ---

  // The client has given a task, which the store knows, to its worker. A failure is a breach of
  // protocol.
  Status OnGiven(node::Peer& client, TaskSpec spec, uint32_t sequence) override;
  // The worker says that it sends the results to the client: the node need not send them.
  void OnDelivered(WorkerNumber worker, const TaskSpec& spec) override;

  // --- what else happens ---

  // Reads what the client has sent. To be called before anything of the worker is heard.
  void CatchUp();
  // Reads what the worker has sent, so that the node knows afterwards what the client knows by now.
  // REQUIRES: as Reclaim.
  void HearWorker() override;
  // What has been read of this peer is about to be handled.
  void OnRead(const ConnectedPeer& peer) {
    if (open_) Listen(peer);
  }
  // Takes the lease back, unless a task is on its way; the scheduler is told how that went.
  // REQUIRES: no frame of the client is being handled.
  void Reclaim(WorkerNumber worker) override;
  // The worker is gone, and all that it had sent is handled. To be called before the scheduler
  // hears of it.
  void OnWorkerGone(WorkerNumber worker) override;
  void OnPeerGone(const node::Peer& peer) override;
  // Gives up a lease that was not used since the last call.
  void OnHeartbeat();

  bool open() const { return open_; }
  // What the turn that ends here has heard of the pair (PairHeard::End). Begins the next turn.
  PairOfTurn TakeTurn(bool is_unfinished);

  std::string DebugText() const;

 private:
  void Listen(const ConnectedPeer& peer);
  // The client or the worker is in the midst of sending something.
  bool ExpectMore(const WorkerProcess& worker) const;
  void Open(ConnectedPeer& client, WorkerProcess& worker);
  // True if the lease was closed.
  bool TryClose();
  void ForgetUse();
  // The client, if it is still there, no longer runs ahead of the node.
  void NoteClosed();
  // Whether what the two ends send wakes the node, as what other peers send does.
  void SetEndsWake(bool wake);
  // Sends the worker its end of the channel; `client_fds` gets what the client is to have.
  Status SendEnds(ConnectedPeer& worker_peer, const WorkerProcess& worker,
                  std::vector<ScopedFd>* client_fds);

  PeerTable* peers_;
  MessageWriter* writer_;
  WorkerService* workers_;
  node::NodeCore* core_;
  TurnPacer* pacer_;

  // The client and the worker of the last rounds, which might be given a lease; and the task
  // between them.
  struct Pair {
    ClientId client = kNoClient;
    WorkerNumber worker = kNoWorker;
    friend bool operator==(const Pair&, const Pair&) = default;
  };
  Pair candidate_;
  int rounds_ = 0;
  TaskId between_;
  TaskId actor_;  // nil: a function's call

  // The client and the worker that have the socket pair, or had it last.
  Pair ends_;
  bool connected_ = false;
  bool open_ = false;
  bool catching_up_ = false;

  // The results that the worker has sent last.
  std::vector<ObjectId> delivered_;

  // What was heard in this turn.
  PairHeard heard_;
  // Whether the pair was heard since the last heartbeat.
  bool used_lately_ = false;
};

}  // namespace rayx::daemon
