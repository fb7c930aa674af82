// What the scheduler tells people: why a task is where it is, and what there is.
#pragma once

#include <string>

#include "scheduler/state/scheduler_state.h"

namespace rayx::scheduler {

std::string ExplainTask(const SchedulerState& state, const TaskId& id);
// A summary, then a line for each worker and each scheduling class with tasks, at most `most` of
// each.
std::string DebugLines(const SchedulerState& state, size_t most);

}  // namespace rayx::scheduler
