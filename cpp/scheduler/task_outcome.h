// How tasks end, and how they are tried again.
#pragma once

#include <span>
#include <string>

#include "scheduler/local_scheduler.h"
#include "scheduler/scheduler_state.h"

namespace rayx::scheduler {

// The task is over and forgotten. REQUIRES: no queue, worker or tracker holds it.
void EndTask(SchedulerState& state, TaskEntry& task, bool failed_by_system);
// Its results become this error, and it ends. REQUIRES: as EndTask.
void FailAndEnd(SchedulerState& state, TaskEntry& task, SystemErrorCode code, std::string text);
// The task that asks for more than this node has fails before it is known.
void RefuseInfeasible(SchedulerState& state, TaskSpec spec);
// These tasks, which no worker has begun, are ready again, at their old places.
void Requeue(SchedulerState& state, std::span<TaskEntry* const> tasks);
// The worker that ran the task is gone: it is ready again, or fails if it has no retries left.
void RetryOrFail(SchedulerState& state, TaskEntry& task, const WorkerEnd& end);
// Fails all ready tasks of the lane since no worker can be started.
void FailReadyTasks(SchedulerState& state, Lane& lane);

}  // namespace rayx::scheduler
