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
  // Another node is to have the actor that it makes.
  bool elsewhere = false;
  // As TaskEntry::depth.
  uint32_t depth = 0;
};

// The task waits for `missing`, or is ready. A task id that is known already is ignored.
// REQUIRES: it is feasible, or for another node.
void AddTask(SchedulerState& state, TaskSpec spec, std::span<const ObjectId> missing,
             const AdmittedAs& as);

}  // namespace rayx::scheduler
