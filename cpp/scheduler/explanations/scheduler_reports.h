// What people ask of the scheduler: why a task is where it is, and what there is. Read-only.
//
//   scheduler.reports().Explain(task)
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "scheduler/types/reports.h"

namespace rayx::scheduler {

struct SchedulerState;

// Valid as long as its scheduler is.
class SchedulerReports {
 public:
  explicit SchedulerReports(const SchedulerState* state) : state_(state) {}

  // One paragraph: why the task is not running, or what it does. For dumps and time-out messages.
  std::string Explain(const TaskId& id) const;
  // What keeps it from running, or what makes what it waits for from running (hold_up.h).
  std::optional<HoldUp> FindHoldUp(const TaskId& id) const;
  // Tasks of the driver that have not ended, without those that make actors. Looks at all tasks.
  size_t CountUnfinished(const DriverId& driver) const;
  // All tasks that have not ended, and all actors that are known, in no order.
  std::vector<TaskId> TaskIds() const;
  std::vector<TaskId> ActorIds() const;
  // Lines for a debug dump.
  std::string DebugText(size_t most) const;

 private:
  const SchedulerState* state_;
};

}  // namespace rayx::scheduler
