// What the local scheduler asks the daemon to do. Drained once a turn, in order.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/protocol/interrupt_reason.h"
#include "common/protocol/object_layout.h"
#include "common/protocol/task_spec.h"

namespace rayx::scheduler {

// Fork a worker. Answered by OnWorkerStarted, or by OnWorkerGone.
struct StartWorker {
  WorkerNumber worker = kNoWorker;
};

// End a worker. `kill`: at once, with all it started (its driver is gone, its actor was killed, its
// task does not heed an interrupt); else it is idle and may end by itself. May name a worker that
// has gone in this very turn, or be repeated with `kill`.
struct StopWorker {
  WorkerNumber worker = kNoWorker;
  bool kill = false;
};

// Hand the task to the worker, behind what it was given before. The task is FindTask(task) until it
// ends.
struct AssignTask {
  WorkerNumber worker = kNoWorker;
  TaskId task;
  uint32_t sequence = 0;
  uint32_t attempt = 0;
  // Indices of the GPUs that the task has, or its actor.
  std::vector<uint32_t> gpus;
};

// Take back what the worker has not begun. Answered, before any other event, by OnTasksRevoked
// (and then by Schedule, in the same turn: what came back may run elsewhere now). May name a worker
// that has gone in this very turn.
struct RevokeTasks {
  WorkerNumber worker = kNoWorker;
};

// Whoever else gives this worker its tasks shall stop, so that it is schedulable again. Answered,
// before any other event, with whether that was possible, or is not as a task is on its way (and
// then by Schedule, in the same turn).
struct ReclaimWorker {
  WorkerNumber worker = kNoWorker;
};

using rayx::InterruptReason;

// Make the worker stop the task, which it has begun, as far as the task lets it. It may have ended
// meanwhile, or its worker.
struct InterruptTask {
  WorkerNumber worker = kNoWorker;
  TaskId task;
  uint32_t sequence = 0;
  InterruptReason reason = InterruptReason::kCancelled;
};

// Give each return value of the task this error, those that have none yet. TaskEnded follows: at
// once, and then FindTask does not know the task any more; or, if a worker still holds the task
// (the call of an actor that does not heed an interrupt, the creation of a killed actor), when it
// does not. Such a task has the error only once.
struct FailTask {
  TaskId task;
  DriverId driver;
  // The function's name.
  std::string name;
  uint32_t return_count = 1;
  SystemErrorCode code = SystemErrorCode::kWorkerCrashed;
  std::string text;
  // Not nil: give the results a copy of the error that is the value of this object (why the actor
  // could not be made, which was reported). `code` and `text` are for the case that this cannot be.
  ObjectId like;
  // A worker had stored a value for each result, and was gone before it said that the task is over.
  // Unless one of them lacks its value after all, nothing has failed.
  bool has_results = false;
};

// The creation of an actor will not run again: references that it held to its arguments may go.
// Its TaskEnded does not list them any more. An id may be listed twice, as it was referred to.
struct ReleaseInputs {
  std::vector<ObjectId> ids;
};

// The state of an actor is another one, or it was forgotten: FindActor tells.
struct ActorChanged {
  TaskId actor;
};

// The task is over, whatever its outcome: the references that it held may go. Carries the
// specification, since the scheduler has forgotten the task.
struct TaskEnded {
  TaskSpec spec;
  bool failed_by_system = false;
};

using Effect = std::variant<StartWorker, StopWorker, AssignTask, RevokeTasks, ReclaimWorker,
                            InterruptTask, FailTask, ReleaseInputs, ActorChanged, TaskEnded>;

}  // namespace rayx::scheduler
