// How tasks end, and how they are tried again.
#pragma once

#include <span>
#include <string>

#include "scheduler/state/scheduler_state.h"
#include "scheduler/types/reports.h"

namespace rayx::scheduler {

// "f (task 0123…)"
std::string TaskLabel(const TaskSpec& spec);
// Asks for this error to be given to the results of the task.
void PushFailure(SchedulerState& state, const TaskSpec& spec, SystemErrorCode code,
                 std::string text, const ObjectId& like = {});
// The same of a known task, which may have stored its results.
void PushFailure(SchedulerState& state, const TaskEntry& task, SystemErrorCode code,
                 std::string text, const ObjectId& like = {});
// The results of a task that is not over become this error. REQUIRES: they have none yet.
void FailResults(SchedulerState& state, TaskEntry& task, SystemErrorCode code, std::string text);

// The task is over and forgotten. REQUIRES: no queue, worker or tracker holds it.
void EndTask(SchedulerState& state, TaskEntry& task, bool failed_by_system);
// Its results become this error, unless they have one, and it ends. REQUIRES: as EndTask, and it is
// not the creation of an actor (EndActor).
void FailAndEnd(SchedulerState& state, TaskEntry& task, SystemErrorCode code, std::string text);
// Why the node can never run the task.
std::string InfeasibleText(const SchedulerState& state, const TaskSpec& spec);
// The task that asks for more than this node has fails before it is known.
void RefuseInfeasible(SchedulerState& state, TaskSpec spec);
// These tasks, which no worker has begun, are ready again, at their old places.
void Requeue(SchedulerState& state, std::span<TaskEntry* const> tasks);
// The worker that ran the task, not the creation of an actor, is gone: it is ready again, or fails
// if it has no retries left.
void RetryOrFail(SchedulerState& state, TaskEntry& task, const WorkerEnd& end);

// The error of a task that was stopped for this reason, and what happened to it: "was cancelled by
// rayx.cancel".
SystemErrorCode CodeOf(InterruptReason reason);
std::string InterruptText(const TaskSpec& spec, InterruptReason reason);
// Takes a task that no worker holds out of where it waits. REQUIRES: it is not Assigned.
void TakeQueued(SchedulerState& state, TaskEntry& task);
// The task that was to stop fails for that reason and ends. REQUIRES: no queue, worker or tracker
// holds it.
void FailInterrupted(SchedulerState& state, TaskEntry& task);

}  // namespace rayx::scheduler
