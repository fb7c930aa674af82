// Walks every cross reference of the scheduler. For tests and debug dumps: it looks at everything.
#pragma once

#include "scheduler/state/scheduler_state.h"

namespace rayx::scheduler {

// CHECKs that tasks, queues, workers and resources tell the same story.
void CheckSanity(const SchedulerState& state);

}  // namespace rayx::scheduler
