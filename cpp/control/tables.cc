#include "control/tables.h"

#include "common/base/check.h"

namespace rayx::control {

std::string_view TaskStateName(TaskState state) {
  switch (state) {
    case TaskState::kWaiting:
      return "waiting";
    case TaskState::kReady:
      return "ready";
    case TaskState::kRunning:
      return "running";
    case TaskState::kDone:
      return "done";
    case TaskState::kFailed:
      return "failed";
  }
  RAYX_CHECK(false);
}

std::optional<TaskState> TaskStateFromName(std::string_view name) {
  for (const TaskState state : kTaskStates) {
    if (TaskStateName(state) == name) return state;
  }
  return std::nullopt;
}

}  // namespace rayx::control
