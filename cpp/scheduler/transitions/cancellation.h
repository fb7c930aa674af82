// Tasks that are to stop, because somebody cancelled them or since they have run for too long.
#pragma once

#include <cstdint>

#include "scheduler/state/scheduler_state.h"

namespace rayx::scheduler {

// The task fails if it has not begun, else it is interrupted. `force`: its worker is killed at once
// if it has begun.
void StopTask(SchedulerState& state, TaskEntry& task, InterruptReason reason, bool force);
// The same for all tasks of the driver and all calls of its actors, but not for the actors.
void StopAllOf(SchedulerState& state, const DriverId& driver, bool force);
// What a revocation has brought to light: the tasks that the worker has begun and that are to stop
// are interrupted.
void InterruptBegun(SchedulerState& state, WorkerEntry& worker);
// Time is up for some tasks: to run, or to stop.
void OnTimeUp(SchedulerState& state, int64_t now_ms);

}  // namespace rayx::scheduler
