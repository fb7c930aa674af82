// Actors in the daemon: who kills them, who finds them by name, when nobody can call them any more.
//
// The scheduler knows the actors and their calls; the object store knows who refers to the object
// that stands for an actor, its creation's result. This is where "nobody refers to it" becomes "the
// actor ends".
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "control/tables.h"
#include "daemon/message_writer.h"
#include "daemon/object_service.h"
#include "daemon/session_table.h"
#include "scheduler/local_scheduler.h"

namespace rayx::daemon {

class ActorService {
 public:
  // All must outlive it.
  ActorService(MessageWriter* writer, ObjectService* objects, scheduler::LocalScheduler* scheduler,
               control::Tables* tables, NodeId node);

  // --- messages ---
  Status OnKill(Session& session, const protocol::KillActor& message);
  // Answers with the actor of that name, to which the asker refers from now on.
  Status OnFindNamed(Session& session, const protocol::Query& query);

  // --- events ---
  // A creation has been submitted. An actor with a name lives without handles.
  void OnSubmitted(const TaskSpec& creation);
  // Its worker has said that it is done, well or not, and its result has been stored.
  void OnCreated(const TaskId& actor);
  // A call has ended, and `state` holds what the actor is after it. The one before is not needed
  // any more.
  void OnState(const TaskId& actor, const ObjectId& state);
  // The last state of an actor; nothing if it has told none.
  std::optional<ObjectId> StateOf(const TaskId& actor) const;
  void OnObjectDeleted(const ObjectId& id);
  // The state of an actor has changed, or it is forgotten.
  void OnChanged(const TaskId& actor);

 private:
  void ReleaseName(const TaskId& actor);
  void ReleaseState(const TaskId& actor);

  MessageWriter* writer_;
  ObjectService* objects_;
  scheduler::LocalScheduler* scheduler_;
  control::Tables* tables_;
  NodeId node_;
  // Actors with a name, to which we hold a reference.
  std::unordered_set<TaskId> named_;
  // The states of actors, to which we hold a reference.
  std::unordered_map<TaskId, ObjectId> states_;
};

}  // namespace rayx::daemon
