// Actors that this node has for other nodes, the homes of their drivers, and their calls.
//
// To the store and the scheduler such an actor is one like others, without a name. Who refers to
// it, and when it shall end, its home knows and says; what becomes of it is told there. Calls come
// from the home, in the order of their callers; or from a client of this node, if all that it has
// called by the home before has begun.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/actor_book.h"
#include "node/draining_nodes.h"
#include "node/driver_book.h"
#include "node/guest_tasks.h"
#include "node/remote_objects.h"
#include "node/shell.h"
#include "plasma/object_store.h"
#include "scheduler/local_scheduler.h"

namespace rayx::node {

class GuestActors {
 public:
  struct Parts {
    plasma::ObjectStore* store = nullptr;
    scheduler::LocalScheduler* scheduler = nullptr;
    DriverBook* drivers = nullptr;
    ActorBook* actors = nullptr;
    RemoteObjects* remote = nullptr;
    const GuestTasks* tasks = nullptr;
    const DrainingNodes* draining = nullptr;
  };
  // All must outlive it.
  explicit GuestActors(const Parts& parts) : parts_(parts) {}

  // --- what homes say; not OK: a breach of protocol ---
  Status OnMake(ClientId home, remote::MakeActor make);
  Status OnCall(ClientId home, remote::CallActor call);
  void OnStop(ClientId home, const remote::StopActor& stop);
  void OnMove(ClientId home, const remote::MoveActor& move);
  // --- what clients of this node call ---
  // Whether the actor is here, and may be called without its home, which does not hear of the call.
  bool Has(const Peer& peer, const TaskSpec& call) const;
  // The peer has called it by its home.
  void OnForwarded(const Peer& peer, const TaskSpec& call);
  void OnPeerGone(const Peer& peer);

  // Nobody is to be told of their ends.
  void OnSessionEnded(ClientId home);

  // --- what becomes of them ---
  // The number of the first attempt of a creation, or 0 of a call, of another home; nothing of
  // others.
  std::optional<uint32_t> AttemptOf(const TaskId& task) const;
  // Its results have not been told to the home: of a call, or a creation.
  bool OwesResults(const TaskId& task) const;
  // What its home is to know of it now: see ActorBook::OnState.
  void OnSaved(const TaskId& actor);
  // Its worker has said that it is made, for the first time or again.
  void OnMade(const TaskId& actor);
  // After TaskEnded, when what it referred to has been given back. REQUIRES: AttemptOf(spec.id).
  void OnEnded(const TaskSpec& spec, bool failed);

  // Those that are not being made are not to be, and those that are to move end once their calls
  // have. True if one ends by that. In each turn of a node that is drained.
  bool LetGo();

  struct Counts {
    size_t actors = 0;
    size_t calls = 0;
    size_t all() const { return actors + calls; }
  };
  Counts counts() const { return {.actors = actors_.size(), .calls = calls_.size()}; }

 private:
  struct Guest {
    // kNoClient: the session has ended.
    ClientId home = kNoClient;
    uint32_t attempt = 0;
    bool is_made = false;
    // Its home has told this node to let it go.
    bool is_moving = false;
  };
  // What the task refers to is referred to here, and its results are for the home. Returns the
  // inputs that are missing.
  std::vector<ObjectId> Admit(ClientId home, const TaskSpec& spec);
  void OnCallEnded(const TaskSpec& spec, bool failed);
  // The values are sent with a message that follows at once.
  std::vector<remote::Value> TakeResults(ClientId home, const TaskSpec& spec);
  void OnResultsSent(ClientId home, const TaskSpec& spec);

  const Parts parts_;
  std::unordered_map<TaskId, Guest> actors_;
  // Calls that have not ended, with their homes.
  std::unordered_map<TaskId, ClientId> calls_;
  // Of each client, the last call that has gone by the home to each actor: its first result. Calls
  // begin in order, so when it is there, all before it have begun.
  std::map<ClientId, std::map<TaskId, ObjectId>> forwarded_;
};

}  // namespace rayx::node
