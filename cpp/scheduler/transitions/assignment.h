// What workers hold: giving tasks to them and taking tasks from them, with all books kept
// (resources, scheduling classes, prefetched tasks).
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/state/scheduler_state.h"

namespace rayx::scheduler {

// Gives the task to the worker: to run now if it is idle, else behind what it holds (same
// scheduling class only). The creation of an actor makes the worker that actor's. REQUIRES: the
// task is Ready and has left the queue; the worker is idle and may serve its driver, and there is
// room on the GPUs; or it is a runner of its scheduling class.
void Assign(SchedulerState& state, WorkerEntry& worker, TaskEntry& task, int64_t now_ms);

// Gives the call to the worker of its actor. REQUIRES: the call is Ready and has left its queue;
// the actor is alive.
void AssignCall(SchedulerState& state, WorkerEntry& worker, TaskEntry& call);

// The same for a task or call that the worker has got otherwise: nothing is asked of the daemon.
// Returns its number. The worker may be blocked, too.
uint32_t Hold(SchedulerState& state, WorkerEntry& worker, TaskEntry& task, int64_t now_ms);
uint32_t HoldCall(SchedulerState& state, WorkerEntry& worker, TaskEntry& call);

// Takes the call of an actor, which is over.
void TakeFinishedCall(SchedulerState& state, WorkerEntry& worker, uint32_t sequence);

// Takes the calls that an actor's worker holds with sequence >= `first`, in order.
std::vector<TaskEntry*> TakeCalls(SchedulerState& state, WorkerEntry& worker, uint32_t first);

// Takes the task that the worker runs, which is over; the next one inherits its resources, or the
// worker is idle (and ends, if it had GPUs: a process keeps memory of those until its end).
// REQUIRES: the worker has no actor.
TaskEntry* TakeFinished(SchedulerState& state, WorkerEntry& worker);

// Takes, in order, the tasks that the worker holds with sequence >= `first`. The task of a blocked
// worker stays. REQUIRES: the worker holds no calls.
std::vector<TaskEntry*> TakeNotBegun(SchedulerState& state, WorkerEntry& worker, uint32_t first);

// The worker waits for objects, or no longer. REQUIRES: Busy, or Blocked.
void BlockWorker(SchedulerState& state, WorkerEntry& worker);
void UnblockWorker(SchedulerState& state, WorkerEntry& worker);

// Asks for what the worker has not begun. REQUIRES: no revocation is on its way.
void Revoke(SchedulerState& state, WorkerEntry& worker);

// Tells the worker to end. It keeps what it holds until it is gone.
void EndWorker(SchedulerState& state, WorkerEntry& worker, bool kill);

// Forgets the worker; returns what it held.
std::vector<HeldTask> RemoveWorker(SchedulerState& state, WorkerEntry& worker);

}  // namespace rayx::scheduler
