// What the scheduler of a node that is drained gives back: what was placed here for other nodes
// (spreading.h) and has not begun.
//
//   scheduler::Draining(&scheduler).GiveBack(task);  // in each turn: workers give back, too
#pragma once

#include "common/base/ids.h"
#include "scheduler/local_scheduler.h"

namespace rayx::scheduler {

// A view of a scheduler. Valid as long as that is.
class Draining {
 public:
  explicit Draining(LocalScheduler* scheduler) : state_(scheduler->state_.get()) {}

  // If no worker has it, and of an actor if nobody has called it: TaskEnded is the effect, and
  // there are no results. REQUIRES: `task`, which may have ended, was placed here by another node.
  // True if it ends by that.
  bool GiveBack(const TaskId& task);
  // The actor ends as soon as no call of it runs or waits, and it is not being made; to be called
  // until it has. Its cause of death is that it moves. True if it ends by that.
  bool LetGo(const TaskId& actor);

 private:
  SchedulerState* state_;
};

}  // namespace rayx::scheduler
