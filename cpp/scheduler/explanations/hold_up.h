// What keeps a task from running, in words for people who wait for it.
#pragma once

#include <optional>
#include <string>

#include "scheduler/state/scheduler_state.h"
#include "scheduler/types/reports.h"

namespace rayx::scheduler {

// What holds up the task, or the one that makes what it waits for; nothing if that runs, has ended
// or is not known. Meant for long waits: it costs a look at all workers.
std::optional<HoldUp> FindHoldUp(const SchedulerState& state, const TaskId& id);
// Tasks of the driver that have not ended, without those that make actors. Looks at all tasks.
size_t CountUnfinished(const SchedulerState& state, const DriverId& driver);

// Parts of sentences, for explain.cc.

// What a ready task lacks, and who holds that: "needs 1 CPU, 0 of 2 free: held by actors H (pid 1,
// pid 2). 1 task is queued." Empty if it lacks nothing.
std::string LackText(const SchedulerState& state, const TaskEntry& task);
// Why a ready task that lacks nothing else has no worker: "waits for a worker: …".
std::string NoWorkerText(const SchedulerState& state);
// "worker 3 (pid 4711)"
std::string WorkerName(const WorkerEntry& worker);
// "2 tasks"
std::string CountOf(size_t count, const std::string& noun);

}  // namespace rayx::scheduler
