// What the local scheduler asks the daemon to do. Drained once a turn, in order.
#pragma once

#include <string>
#include <variant>

#include "common/base/ids.h"
#include "common/protocol/object_layout.h"
#include "common/protocol/task_spec.h"

namespace rayx::scheduler {

// Number of a worker of this node, counted from 1 in order of start; never reused.
using WorkerNumber = uint64_t;
inline constexpr WorkerNumber kNoWorker = 0;

// Fork a worker. Answered by OnWorkerStarted, or by OnWorkerGone.
struct StartWorker {
  WorkerNumber worker = 0;
};

// End a worker. `kill`: at once, with all it started (its driver is gone); else it is idle and may
// end by itself. May name a worker that has gone in this very turn.
struct StopWorker {
  WorkerNumber worker = 0;
  bool kill = false;
};

// Hand the task to the worker, behind what it was given before. The task is FindTask(task) until it
// ends.
struct AssignTask {
  WorkerNumber worker = 0;
  TaskId task;
  uint32_t sequence = 0;
  uint32_t attempt = 0;
};

// Take back what the worker has not begun. Answered, before any other event, by OnTasksRecalled
// (and then by Schedule, in the same turn: what came back may run elsewhere now).
struct RecallTasks {
  WorkerNumber worker = 0;
};

// Give each return value of the task this error. TaskEnded follows. FindTask does not know the task
// any more.
struct FailTask {
  TaskId task;
  DriverId driver;
  // Of the function.
  std::string name;
  uint32_t return_count = 1;
  SystemErrorCode code = SystemErrorCode::kWorkerCrashed;
  std::string text;
};

// The task is over, whatever its outcome: the references that it held may go. Carries the
// specification, since the scheduler has forgotten the task.
struct TaskEnded {
  TaskSpec spec;
  bool failed_by_system = false;
};

using Effect = std::variant<StartWorker, StopWorker, AssignTask, RecallTasks, FailTask, TaskEnded>;

}  // namespace rayx::scheduler
