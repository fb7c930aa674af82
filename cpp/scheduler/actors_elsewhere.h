// Actors of drivers of this node that other nodes have, as its scheduler sees them: what becomes of
// them there, and what is asked of that here.
//
// Such an actor is held by a worker that stands for another node's (transitions/elsewhere.h). What
// it is given, that it shall end, and that a call shall stop, comes as effects about that worker
// (AssignTask, StopWorker, InterruptTask). What its node says of it comes back as events about it:
// OnTaskFinished, OnWorkerGone, and those below.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/protocol/object_layout.h"
#include "common/protocol/task_spec.h"
#include "scheduler/local_scheduler.h"

namespace rayx::scheduler {

// A view of a scheduler. Valid as long as that is.
class ActorsElsewhere {
 public:
  explicit ActorsElsewhere(LocalScheduler* scheduler) : state_(scheduler->state_.get()) {}

  // --- events ---
  // As LocalScheduler::OnTaskSubmitted, of a creation whose actor another node is to have, whether
  // it could be here or not. `missing`: those of its inputs that have no value at any node.
  void OnSubmitted(TaskSpec creation, std::span<const ObjectId> missing);
  // This node is to have it after all. `missing`: which inputs of the creation, or of a call, are
  // not here. REQUIRES: a worker holds its creation that stands for another, and no calls.
  using Missing = std::function<std::vector<ObjectId>(const TaskSpec& task)>;
  void OnPlacedHere(const TaskId& actor, const Missing& missing);
  // Its node has made it again so many times more, without a word to anybody.
  void OnRestarted(const TaskId& actor, uint32_t times);
  // It is dead for good; its creation failed if `has_error`: then the object that stands for it has
  // been given the error. Unknown actors are ignored.
  void OnEnded(const TaskId& actor, const std::string& cause, SystemErrorCode code, bool has_error);
  // The object has a value at another node: what needs it there need not wait for it here.
  void OnValueElsewhere(const ObjectId& id);

  // --- questions ---
  // The worker stands for one of another node.
  bool IsElsewhere(WorkerNumber worker) const;
  // Another node has the actor, or is asked to.
  bool HasActorElsewhere(const TaskId& actor) const;
  // Its node leaves: it was made there, and may be made again elsewhere.
  bool MayMove(const TaskId& actor) const;
  // Who submitted a call. REQUIRES: it is known.
  const CallerId& CallerOf(const TaskId& call) const;

 private:
  SchedulerState* state_;
};

}  // namespace rayx::scheduler
