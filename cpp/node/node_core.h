// The core of a node: the object store, the local scheduler, and the books that tie them. It has no
// socket, no clock, no descriptor and no encoding; the daemon brings it events and does what it
// asks (shell.h), as does the simulator of tests/sim.
//
//   peers and workers ──events──▶ books ──▶ store, scheduler
//                                              │ effects, in Turn
//   peers, workers, tables ◀──calls of the shell─┘
//
// A turn: the daemon calls the events for what it has heard; then Turn drains the effects of store
// and scheduler until there are none, lets the scheduler decide, and sends deliveries. No part is
// ever re-entered: effects are acted on after the event has returned.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/actor_book.h"
#include "node/driver_book.h"
#include "node/driver_endings.h"
#include "node/function_book.h"
#include "node/given_tasks.h"
#include "node/guest_tasks.h"
#include "node/node_sessions.h"
#include "node/object_book.h"
#include "node/remote_objects.h"
#include "node/remote_tasks.h"
#include "node/shell.h"
#include "node/task_book.h"
#include "node/task_spread.h"
#include "node/told_drivers.h"
#include "plasma/object_store.h"
#include "scheduler/local_scheduler.h"

namespace rayx::node {

class NodeCore {
 public:
  // What `shell` points to must outlive the core. REQUIRES: as ObjectStore.
  NodeCore(const Shell& shell, scheduler::SchedulerOptions options, uint64_t pool_bytes);
  NodeCore(const NodeCore&) = delete;
  NodeCore& operator=(const NodeCore&) = delete;

  // --- whom peers speak to ---
  ObjectBook& objects() { return objects_; }
  TaskBook& tasks() { return tasks_; }
  ActorBook& actors() { return actors_; }
  FunctionBook& functions() { return functions_; }
  DriverBook& drivers() { return drivers_; }
  DriverEndings& endings() { return endings_; }
  NodeDrain& drain() { return drain_; }

  // --- what becomes of peers and workers ---
  // The peer is closed, and Peers::FindPeer does not find it any more: all that it had goes. True
  // if it was the main connection of a driver, which is gone with it.
  bool OnPeerGone(const Peer& peer);
  // The worker has said hello. `pid`: as texts name it.
  void OnWorkerStarted(WorkerNumber worker, int64_t pid) {
    scheduler_.OnWorkerStarted(worker, pid);
  }
  // The worker is gone; everything that it had sent has been handled.
  void OnWorkerGone(WorkerNumber worker, const scheduler::WorkerEnd& end);

  // --- time ---
  // The end of a turn, see above. True if there is more to do: another turn should follow at once.
  bool Turn(int64_t now_ms);
  // When Turn should be called although nothing has happened.
  std::optional<int64_t> NextTickMs() const;
  // About once a second.
  void OnHeartbeat() { functions_.OnHeartbeat(); }

  // --- the parts, for questions and for the shell ---
  plasma::ObjectStore& store() { return store_; }
  scheduler::LocalScheduler& scheduler() { return scheduler_; }
  const scheduler::LocalScheduler& scheduler() const { return scheduler_; }

 private:
  // Tells those of them to end that have something to finish, at all nodes.
  void EndWorkersOf(const DriverId& driver);
  // Who has asked for the end of the driver's workers is told that there is nothing to wait for.
  void OnDrained(ClientId client, const DriverId& driver);

  const Shell shell_;
  plasma::ObjectStore store_;
  scheduler::LocalScheduler scheduler_;
  DriverBook drivers_;
  ActorBook actors_;
  FunctionBook functions_;
  NodeSessions sessions_;
  DrainingNodes draining_nodes_;
  RemoteObjects remote_objects_;
  ToldDrivers told_drivers_;
  PendingReasons pending_reasons_;
  GivenTasks given_tasks_;
  GivenActors given_actors_;
  GuestTasks guest_tasks_;
  GuestActors guest_actors_;
  NameQuestions name_questions_;
  NodeDrain drain_;
  TaskSpread spread_;
  RemoteTasks remote_tasks_;
  TaskBook tasks_;
  ObjectBook objects_;
  DriverEndings endings_;
};

}  // namespace rayx::node
