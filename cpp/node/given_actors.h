// Actors of drivers of this node, their home, that other nodes have.
//
//             the scheduler gives the creation      OnPlace, at another node
//             to what stands for the worker
//   (here) ─────────────────────────────▶ Offered ───────────────────────▶ Placed ──▶ (gone)
//                                           │ ▲                              │
//                              OnPlace here │ └── its node is gone, has not ─┘
//                                           ▼     made it, or gives it up: if the scheduler
//                                          Here   gives the creation again
//
// What an actor is, its calls in order, its name, its restarts: all that is the scheduler's, as of
// an actor that lives here (scheduler/actors_elsewhere.h). This is who carries it out: what the
// scheduler gives to a worker that stands for another node's becomes a message, and what that node
// says, an event. A message of a placement that is not open any more changes nothing.
//
// A call that was sent when the session ends may have begun, so it fails, unless nothing was heard
// there; one that was not sent waits for the next placement.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/actor_book.h"
#include "node/draining_nodes.h"
#include "node/given_calls.h"
#include "node/node_sessions.h"
#include "node/pending_reasons.h"
#include "node/remote_objects.h"
#include "node/shell.h"
#include "node/told_drivers.h"
#include "plasma/object_store.h"
#include "scheduler/local_scheduler.h"

namespace rayx::node {

class GivenActors {
 public:
  struct Parts {
    plasma::ObjectStore* store = nullptr;
    scheduler::LocalScheduler* scheduler = nullptr;
    DriverBook* drivers = nullptr;
    ActorBook* actors = nullptr;
    RemoteObjects* remote = nullptr;
    ToldDrivers* told = nullptr;
    PendingReasons* reasons = nullptr;
    const NodeSessions* sessions = nullptr;
    const DrainingNodes* draining = nullptr;
  };
  // All must outlive it.
  GivenActors(const Shell& shell, const Parts& parts)
      : shell_(shell), parts_(parts), calls_(shell, parts.scheduler, parts.remote) {}

  // --- effects of the scheduler about a worker that stands for another node's ---
  void OnAssign(const scheduler::AssignTask& effect);
  void OnStop(const scheduler::StopWorker& effect);
  void OnInterrupt(const scheduler::InterruptTask& effect);
  // The creation or call is over.
  void OnTaskEnded(const TaskSpec& spec);

  // --- events ---
  // As GivenTasks has them.
  void OnPlace(const TaskId& actor, uint32_t attempt, const NodeId& node);
  void OnUnplaceable(const TaskId& actor, uint32_t attempt, const std::string& reason,
                     bool for_ever);
  // Not OK: a breach of protocol.
  Status OnMade(ClientId session, const remote::ActorMade& made);
  Status OnEnded(ClientId session, const remote::ActorEnded& ended);
  Status OnSaved(ClientId session, const remote::ActorSaved& saved);
  Status OnCallEnded(ClientId session, const remote::CallEnded& ended);
  void OnSessionEnded(ClientId session, const SessionEnd& end);
  // At the end of a turn: calls that waited for room in their session are sent, and what nodes that
  // are drained have made is told to move, if it may be made again.
  void Flush();

  // --- questions ---
  // Where an actor is that was offered.
  struct Place {
    // Nil: at no node yet, or at this one.
    NodeId node;
    // At this one: the number of its first attempt; else 0.
    uint32_t first_attempt = 0;
  };
  Place PlaceOf(const TaskId& actor) const;
  // For people: where the actor is or is to be, or that the call was sent to it. Empty if it is not
  // at another node.
  std::string Explain(const DriverId& driver, const TaskId& task) const;
  size_t size() const { return given_.size() + calls_.size(); }

 private:
  enum class State : uint8_t { kOffered, kPlaced, kHere };
  struct Given {
    State state = State::kOffered;
    // What stands for its worker; kNoWorker if nothing does.
    WorkerNumber stand_in = kNoWorker;
    // Counts offers, from 1.
    uint32_t offers = 0;
    // Restarts at the time of the offer, and of them those since, of which its node has told.
    uint32_t restarts_before = 0;
    uint32_t restarts_told = 0;
    ClientId session = kNoClient;
    // Its node has been told to let it go.
    bool is_moving = false;
    // What it was, of which its node has not said yet whether it refers to that.
    std::optional<ObjectId> saved;
    std::string pending_reason;
  };
  void Offer(const TaskId& actor, Given& given);
  void PlaceHere(const TaskId& actor);
  // The placement that is open in this session; null if it is not.
  Given* Open(ClientId session, const TaskId& actor, uint32_t attempt);
  // The call, if what it was handed to still stands for its actor's worker; else null.
  const GivenCalls::Call* OpenCall(const TaskId& id) const;
  void MoveAllOf(ClientId session);
  void ReleaseSaved(Given& given);
  void TellRestarts(const TaskId& actor, Given& given, uint32_t restarts);
  // The results of a call that nobody will run, since its driver ends.
  void Drop(const TaskSpec& call);
  // What stood for the worker is gone, for the reason that the outcome tells.
  void EndStandIn(Given& given, remote::Outcome outcome, const std::string& why);

  const Shell shell_;
  const Parts parts_;
  // From the first offer until the creation is over.
  std::unordered_map<TaskId, Given> given_;
  GivenCalls calls_;
};

}  // namespace rayx::node
