#include "scheduler/queues/interrupts.h"

#include <algorithm>
#include <limits>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace rayx::scheduler {
namespace {

int64_t TimeGiven(const TaskEntry& task) {
  if (task.interruption.sent) return limits::kInterruptGraceMs;
  // Far enough away to be never, and to be added to a time.
  constexpr uint64_t kLongest = std::numeric_limits<int64_t>::max() / 4;
  return static_cast<int64_t>(std::min(task.spec.options.timeout_ms, kLongest));
}

}  // namespace

void Interrupts::Watch(TaskEntry& task) {
  Forget(task);
  task.interruption.due_ms = kTimeUnknown;
  unstamped_.push_back(task.spec.id);
}

void Interrupts::ForgetWatched(TaskEntry& task) {
  int64_t& due_ms = task.interruption.due_ms;
  if (due_ms > 0) due_.erase({due_ms, task.spec.id});
  due_ms = 0;
}

void Interrupts::StampWatched(int64_t now_ms, TaskMap& tasks) {
  for (const TaskId& id : unstamped_) {
    const auto it = tasks.find(id);
    // It has ended, or was stamped when it stood in the list before.
    if (it == tasks.end() || it->second.interruption.due_ms != kTimeUnknown) continue;
    int64_t& due_ms = it->second.interruption.due_ms;
    due_ms = std::max<int64_t>(now_ms + TimeGiven(it->second), 1);
    due_.insert({due_ms, id});
  }
  unstamped_.clear();
}

std::vector<TaskEntry*> Interrupts::TakeDue(int64_t now_ms, TaskMap& tasks) {
  std::vector<TaskEntry*> due;
  while (HasDue(now_ms)) {
    TaskEntry& task = tasks.at(due_.begin()->second);
    Forget(task);
    due.push_back(&task);
  }
  return due;
}

std::optional<int64_t> Interrupts::NextMs() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

void Interrupts::SanityCheck(const TaskMap& tasks) const {
  for (const auto& [due_ms, id] : due_) {
    const TaskEntry& task = tasks.at(id);
    RAYX_CHECK(task.interruption.due_ms == due_ms && task.state() == TaskState::kAssigned);
  }
}

}  // namespace rayx::scheduler
