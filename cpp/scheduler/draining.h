// What the scheduler of a node that is drained gives back: what was placed here for other nodes
// (spreading.h) and has not begun.
//
//   scheduler::Draining(&scheduler).GiveBack(is_others);  // in each turn: workers give back, too
#pragma once

#include <functional>

#include "common/base/ids.h"
#include "scheduler/local_scheduler.h"

namespace rayx::scheduler {

// A view of a scheduler. Valid as long as that is.
class Draining {
 public:
  explicit Draining(LocalScheduler* scheduler) : state_(scheduler->state_.get()) {}

  // Tasks, and actors without calls, that were placed here by others and that no worker has:
  // TaskEnded is the effect of each, and they have no results. `is_others`: it was not this node
  // that placed it here. Looks at all tasks. True if there was one.
  bool GiveBack(const std::function<bool(const TaskId& task)>& is_others);
  // The actor ends as soon as no call of it runs or waits, and it is not being made; to be called
  // until it has. Its cause of death is that it moves. True if it ends by that.
  bool LetGo(const TaskId& actor);

 private:
  SchedulerState* state_;
};

}  // namespace rayx::scheduler
