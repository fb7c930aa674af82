// When time is up for tasks that workers hold: those that may not run longer than so long, and
// those that were interrupted and must have stopped soon after.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "scheduler/types/task_entry.h"

namespace rayx::scheduler {

using TaskMap = std::unordered_map<TaskId, TaskEntry>;

class Interrupts {
 public:
  // Time counts for the task from the next Stamp: its time-out or, if it was interrupted, the time
  // that it has to stop. One that is watched already is watched anew.
  void Watch(TaskEntry& task);
  // Time does not matter for the task any more.
  void Forget(TaskEntry& task) {
    if (task.interruption.due_ms != 0) ForgetWatched(task);
  }

  // `tasks`: where to find those that are watched.
  void Stamp(int64_t now_ms, TaskMap& tasks) {
    if (!unstamped_.empty()) StampWatched(now_ms, tasks);
  }
  // Time is up for some task.
  bool HasDue(int64_t now_ms) const { return !due_.empty() && due_.begin()->first <= now_ms; }
  // Tasks for which time is up; they are not watched any more.
  std::vector<TaskEntry*> TakeDue(int64_t now_ms, TaskMap& tasks);
  // When the next one is due; nothing if none is watched.
  std::optional<int64_t> NextMs() const;

  size_t size() const { return due_.size(); }
  void SanityCheck(const TaskMap& tasks) const;

 private:
  void ForgetWatched(TaskEntry& task);
  void StampWatched(int64_t now_ms, TaskMap& tasks);

  std::vector<TaskId> unstamped_;
  std::set<std::pair<int64_t, TaskId>> due_;
};

}  // namespace rayx::scheduler
