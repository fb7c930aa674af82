// Worker leases: a client that has one task after the other run by the same worker, and waits for
// each, gives it the tasks itself.
//
// The way through the node and back costs a round trip two turns of the node and two changes of
// processes, more than half of its time. So when the node sees that it only passes on
// (ping_pong.h), it gives both ends of a socket pair to the client and the worker, and to the
// client the memory of the worker's claim word, in which it takes a number for each task:
//
//            1. a number (claim word)
//   client ─────────────────────────────────▶ worker
//     │ │    3. RunTask, 5. TaskDone           │
//     │ └─────(direct channel)──────────────────┘
//     │ 2. TaskGiven                           │ 4. TaskDone
//     ▼                                        ▼
//   node ◀─────────────────────────────────────┘      (whenever it comes to it)
//
// Nothing else changes: the node learns of each task, and of its results, as of any other, only
// later; it alone knows about references, retries and errors, and whatever goes wrong goes its way.
// By the order of 1 to 5, what the worker says of a task is behind what the client has said of it:
// so before the node listens to what it has read of the worker, it reads what the client has sent
// (CatchUp). If the worker dies, all it can have begun is known then.
//
//                 kRounds in a row, one worker
//   watching ─────────────────────────────────▶ open ◀──┐ TaskGiven
//      ▲                                        │  │    │
//      └────────────────────────────────────────┘  └────┘
//    the client submits another way, others need the worker (scheduler/transitions/lease.h),
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
  // Rounds through the node, by tasks that could go directly, after those that made it notice.
  static constexpr int kRounds = 8;

  // All must outlive it; `core` is used from the first event on.
  LeaseService(PeerTable* peers, MessageWriter* writer, WorkerService* workers,
               node::NodeCore* core, TurnPacer* pacer);

  // --- tasks that go through the node ---

  void OnSubmitted(node::Peer& client, const TaskSpec& spec) override;
  void OnEnded(WorkerNumber worker, const TaskId& task) override;

  // --- tasks that do not ---

  // The client has given a task, which the store knows, to its worker. Not OK: a breach of
  // protocol.
  Status OnGiven(node::Peer& client, TaskSpec spec, uint32_t sequence) override;
  // The worker says that it sends the results to the client: the node need not.
  void OnDelivered(WorkerNumber worker, const TaskSpec& spec) override;

  // --- others ---

  // Reads what the client has sent. Before anything of the worker is heard.
  void CatchUp();
  // Reads what the worker has sent: what its client knows by now, the node knows then. REQUIRES: as
  // Reclaim.
  void HearWorker() override;
  // What has been read of this peer is about to be handled.
  void OnRead(const ConnectedPeer& peer) {
    if (open_) Listen(peer);
  }
  // Nobody may give the worker tasks any more; the scheduler is told how that went. REQUIRES: no
  // frame of the client is being handled.
  void Reclaim(WorkerNumber worker) override;
  // What a worker has sent is handled, and it is gone. Before the scheduler hears of it.
  void OnWorkerGone(WorkerNumber worker) override;
  void OnPeerGone(const node::Peer& peer) override;
  // Now and then: a lease that is not used is given up.
  void OnHeartbeat();

  bool open() const { return open_; }
  // At the end of a turn: what it has heard of the pair. Begins the next one.
  PairOfTurn TakeTurn();

  std::string DebugText() const;

 private:
  void Listen(const ConnectedPeer& peer);
  // The client or the worker is in the midst of sending something.
  bool ExpectMore(const WorkerProcess& worker) const;
  void Open(ConnectedPeer& client, WorkerProcess& worker);
  // True if the lease was closed.
  bool TryClose();
  void ForgetUse();
  // The client, if it is still there, may be made to wait again.
  void NoteClosed();
  // Whether what both ends send wakes the node as what others send does.
  void SetEndsWake(bool wake);
  // Sends the worker its end, and leaves what the client is to have.
  Status SendEnds(ConnectedPeer& worker_peer, const WorkerProcess& worker,
                  std::vector<ScopedFd>* client_fds);

  PeerTable* peers_;
  MessageWriter* writer_;
  WorkerService* workers_;
  node::NodeCore* core_;
  TurnPacer* pacer_;

  // Who might be given a lease: the client and the worker of the last rounds, and the task between
  // them.
  struct Pair {
    ClientId client;
    WorkerNumber worker;
    friend bool operator==(const Pair&, const Pair&) = default;
  };
  Pair candidate_;
  int rounds_ = 0;
  TaskId between_;
  TaskId actor_;  // nil: a function's call

  // Who has the socket pair, or had it last.
  Pair ends_;
  bool connected_ = false;
  bool open_ = false;
  bool catching_up_ = false;

  // The results that the worker has sent last.
  std::vector<ObjectId> delivered_;

  // Of this turn.
  bool used_ = false;
  bool others_came_ = false;
  // Since the last heartbeat.
  bool used_lately_ = false;
};

}  // namespace rayx::daemon
