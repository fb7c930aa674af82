#include "scheduler/explanations/scheduler_reports.h"

#include "scheduler/explanations/explain.h"
#include "scheduler/explanations/hold_up.h"
#include "scheduler/state/scheduler_state.h"

namespace rayx::scheduler {

std::string SchedulerReports::Explain(const TaskId& id) const { return ExplainTask(*state_, id); }

std::optional<HoldUp> SchedulerReports::FindHoldUp(const TaskId& id) const {
  return scheduler::FindHoldUp(*state_, id);
}

size_t SchedulerReports::CountUnfinished(const DriverId& driver) const {
  return scheduler::CountUnfinished(*state_, driver);
}

std::vector<TaskId> SchedulerReports::TaskIds() const {
  std::vector<TaskId> ids;
  ids.reserve(state_->tasks.size());
  for (const auto& [id, task] : state_->tasks) ids.push_back(id);
  return ids;
}

std::vector<TaskId> SchedulerReports::ActorIds() const {
  std::vector<TaskId> ids;
  for (const auto& [id, actor] : state_->actors.all()) ids.push_back(id);
  return ids;
}

std::string SchedulerReports::DebugText(size_t most) const { return DebugLines(*state_, most); }

}  // namespace rayx::scheduler
