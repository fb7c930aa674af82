// How tasks that are no calls of actors become known.
#pragma once

#include <cstdint>
#include <span>

#include "common/base/ids.h"
#include "common/protocol/task_spec.h"
#include "scheduler/state/scheduler_state.h"

namespace rayx::scheduler {

struct AdmittedAs {
  // It makes an actor.
  bool creation = false;
  // It was placed here (spreading.h).
  bool placed = false;
  // As TaskEntry::depth.
  uint32_t depth = 0;
};

// The task waits for `missing`, or is ready. A task id that is known already is ignored.
// REQUIRES: it is feasible.
void AddTask(SchedulerState& state, TaskSpec spec, std::span<const ObjectId> missing,
             const AdmittedAs& as);

}  // namespace rayx::scheduler
