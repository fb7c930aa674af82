// Tasks of drivers of this node, their home, that other nodes run.
//
//            inputs have values          OnPlace, at another node
//   Waiting ─────────────────▶ Offered ─────────────────────────▶ Placed ──▶ ended (TaskEnded)
//                                │ ▲                                │
//                   OnPlace here │ └──── its node is gone, or ──────┘
//                                ▼       has not run it
//                              Here ──▶ ended as any task of this node
//
// The home decides what becomes of a task: it believes only the end of the placement that is open
// (the task, the attempt, the session), and each placement has numbers of attempts of its own. The
// loss of a node costs an attempt if the task may have begun. Inputs are referred to until the
// end is heard, or the session has ended.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/draining_nodes.h"
#include "node/driver_book.h"
#include "node/node_sessions.h"
#include "node/pending_reasons.h"
#include "node/remote_objects.h"
#include "node/shell.h"
#include "node/told_drivers.h"
#include "plasma/object_store.h"
#include "scheduler/local_scheduler.h"

namespace rayx::node {

class GivenTasks {
 public:
  struct Parts {
    plasma::ObjectStore* store = nullptr;
    scheduler::LocalScheduler* scheduler = nullptr;
    DriverBook* drivers = nullptr;
    RemoteObjects* remote = nullptr;
    ToldDrivers* told = nullptr;
    PendingReasons* reasons = nullptr;
    const NodeSessions* sessions = nullptr;
    const DrainingNodes* draining = nullptr;
  };
  // All must outlive it.
  GivenTasks(const Shell& shell, const Parts& parts)
      : shell_(shell),
        store_(parts.store),
        scheduler_(parts.scheduler),
        drivers_(parts.drivers),
        remote_(parts.remote),
        told_(parts.told),
        reasons_(parts.reasons),
        sessions_(parts.sessions),
        draining_(parts.draining) {}

  // The references of the task have been taken, and its results are asked for. `consumer`: who
  // takes its items, if it makes a stream. REQUIRES: Takes.
  void Add(TaskSpec spec, ClientId consumer = kNoClient);
  bool Contains(const TaskId& task) const { return tasks_given_.contains(task); }

  // --- events ---
  // An object has a value, here or elsewhere.
  void OnAvailable(const ObjectId& id);
  // Who places tasks has decided. What is not open is not heeded.
  void OnPlace(const TaskId& task, uint32_t attempt, const NodeId& node);
  // No node that there is could run it. It stays offered, and its driver is told why; or it fails,
  // if none will join.
  void OnUnplaceable(const TaskId& task, uint32_t attempt, const std::string& reason,
                     bool for_ever);
  // Not OK: a breach of protocol.
  Status OnEnded(ClientId session, const remote::TaskEnded& ended);
  // One that runs here has ended as tasks of this node do.
  void OnEndedHere(const TaskId& task);
  // The number of the first attempt of one that runs here; 0 for others.
  uint32_t AttemptOf(const TaskId& task) const;
  // Before the objects that it had are lost.
  void OnSessionEnded(ClientId session, const SessionEnd& end);
  // Nil: all of the driver. Nothing happens to unknown ones.
  void OnCancel(const DriverId& driver, const TaskId& task, bool force);
  // Nobody takes the items of its streams any more: their tasks are cancelled.
  void OnConsumerGone(ClientId consumer);
  void OnDriverGone(const DriverId& driver);

  // For people: where the task of the driver is, and what it waits for. Empty if it runs here, or
  // is not known.
  std::string Explain(const DriverId& driver, const TaskId& task) const;

  enum class State : uint8_t { kWaiting, kOffered, kPlaced, kHere };
  struct Summary {
    const TaskSpec* spec = nullptr;
    State state = State::kWaiting;
  };
  // In order. Valid until the next event.
  std::vector<Summary> Summaries() const;
  size_t size() const { return tasks_given_.size(); }

 private:
  struct Given {
    TaskSpec spec;
    State state = State::kWaiting;
    // Dependencies without a value.
    size_t missing = 0;
    // Counts offers, from 1.
    uint32_t offers = 0;
    // Attempts that may have begun and were lost.
    uint32_t deaths = 0;
    ClientId session = kNoClient;
    bool is_cancelled = false;
    // Of a stream: somebody may have seen an item, so that it is not begun again.
    bool has_items = false;
    // Why no node can run it; empty: some can, or nobody has said.
    std::string pending_reason;
  };

  void NoteItem(const TaskId& task);
  void Offer(Given& given);
  void TellOffer(const Given& given);
  void PlaceHere(Given& given);
  // Again, if an attempt is left; else it fails with this text.
  void TryAgain(Given& given, uint32_t deaths, const std::string& text);
  bool HasAttemptsLeft(const Given& given) const;
  // Of a stream: an item may have been seen.
  bool HasItems(const Given& given) const;
  void Fail(Given& given, SystemErrorCode code, const std::string& text);
  // It is over: what it referred to is given back.
  void End(Given& given, bool failed);

  const Shell shell_;
  plasma::ObjectStore* const store_;
  scheduler::LocalScheduler* const scheduler_;
  DriverBook* const drivers_;
  RemoteObjects* const remote_;
  ToldDrivers* const told_;
  PendingReasons* const reasons_;
  const NodeSessions* const sessions_;
  const DrainingNodes* const draining_;
  std::unordered_map<TaskId, Given> tasks_given_;
  // Of those that make streams.
  std::unordered_map<TaskId, ClientId> consumers_;
  // Tasks that wait for an object; one may be listed that has ended.
  std::unordered_map<ObjectId, std::vector<TaskId>> waiting_;
};

}  // namespace rayx::node
