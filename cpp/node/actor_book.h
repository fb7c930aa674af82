// Actors: who kills them, who finds them by name, when nobody can call them any more.
//
// The scheduler knows the actors and their calls; the object store knows who refers to the object
// that stands for an actor, its creation's result. This is where "nobody refers to it" becomes "the
// actor ends".
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "node/driver_book.h"
#include "node/shell.h"
#include "plasma/object_store.h"
#include "scheduler/local_scheduler.h"

namespace rayx::node {

class ActorBook {
 public:
  // All must outlive it.
  ActorBook(const Shell& shell, plasma::ObjectStore* store, scheduler::LocalScheduler* scheduler,
            const DriverBook* drivers)
      : shell_(shell), store_(store), scheduler_(scheduler), drivers_(drivers) {}

  // What stands for the actor in the object store.
  static ObjectId ObjectOf(const TaskId& actor) { return ObjectId::ForReturn(actor, 0); }

  // --- wishes of peers ---
  // Actors of other drivers are as good as unknown; unknown ones are ignored.
  void OnKill(const Peer& peer, const TaskId& actor);
  // The creation of the driver's actor of that name, to which the peer refers from now on; null if
  // there is none. Valid until the next event.
  const TaskSpec* FindNamed(const Peer& peer, const std::string& name);

  // --- events ---
  // A creation has been submitted. An actor with a name lives without handles.
  void OnSubmitted(const TaskSpec& creation);
  // Its worker has said that it is done, well or not, and its result has been stored.
  void OnCreated(const TaskId& actor);
  // A call has ended, and `state` holds what the actor is after it. The one before is not needed
  // any more.
  void OnState(const TaskId& actor, const ObjectId& state);
  // The same of an actor at another node: the state counts as soon as this node has it, too.
  void OnStateElsewhere(const TaskId& actor, const ObjectId& state);
  void OnObjectSealed(const ObjectId& id) {
    if (!coming_.empty()) OnStateHere(id);
  }
  // The last state of an actor; nothing if it has told none.
  std::optional<ObjectId> StateOf(const TaskId& actor) const;
  void OnObjectDeleted(const ObjectId& id);
  // A creation is over. One that came after its driver had gone has never been an actor.
  void OnCreationOver(const TaskId& actor);
  // The state of an actor has changed, or it is forgotten.
  void OnChanged(const TaskId& actor);

  // References that are held for names and states.
  size_t held() const { return named_.size() + states_.size() + coming_.size(); }

 private:
  void OnStateHere(const ObjectId& id);
  // Its home is another node: that decides when it ends, and keeps the records of it.
  bool IsGuest(const TaskId& actor) const;
  void ReleaseName(const TaskId& actor);
  void ReleaseState(const TaskId& actor);
  void DropComing(const TaskId& actor);

  const Shell shell_;
  plasma::ObjectStore* const store_;
  scheduler::LocalScheduler* const scheduler_;
  const DriverBook* const drivers_;
  // Actors with a name, to which we hold a reference.
  std::unordered_set<TaskId> named_;
  // The states of actors, to which we hold a reference.
  std::unordered_map<TaskId, ObjectId> states_;
  // Actors of other homes, also when their drivers have gone.
  std::unordered_set<TaskId> guests_;
  // States that come from the nodes of their actors, in order, each with a reference.
  std::vector<std::pair<TaskId, ObjectId>> coming_;
};

}  // namespace rayx::node
