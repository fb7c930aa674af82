#include "scheduler/queues/dependency_tracker.h"

#include "common/base/sparse_table.h"

namespace rayx::scheduler {

void DependencyTracker::Add(TaskEntry& task, std::span<const ObjectId> missing) {
  RAYX_CHECK(!missing.empty());
  std::get<WaitingArgs>(task.phase).missing = missing.size();
  for (const ObjectId& id : missing) waiters_[id].push_back(&task);
  ++tasks_;
}

void DependencyTracker::OnAvailable(const ObjectId& id, std::vector<TaskEntry*>& ready) {
  const auto it = waiters_.find(id);
  if (it == waiters_.end()) return;
  for (TaskEntry* task : it->second) CountDown(task, ready);
  waiters_.erase(it);
  ShrinkIfSparse(waiters_);
}

void DependencyTracker::OnAvailableFor(const ObjectId& id,
                                       const std::function<bool(const TaskEntry&)>& is_for,
                                       std::vector<TaskEntry*>& ready) {
  const auto it = waiters_.find(id);
  if (it == waiters_.end()) return;
  std::erase_if(it->second, [&](TaskEntry* task) {
    if (!is_for(*task)) return false;
    CountDown(task, ready);
    return true;
  });
  if (it->second.empty()) waiters_.erase(it);
}

void DependencyTracker::CountDown(TaskEntry* task, std::vector<TaskEntry*>& ready) {
  if (--std::get<WaitingArgs>(task->phase).missing > 0) return;
  ready.push_back(task);
  --tasks_;
}

void DependencyTracker::Remove(TaskEntry& task) {
  size_t& missing = std::get<WaitingArgs>(task.phase).missing;
  for (const ObjectId& id : task.spec.dependencies) {
    const auto it = waiters_.find(id);
    if (it == waiters_.end()) continue;
    missing -= std::erase(it->second, &task);
    if (it->second.empty()) waiters_.erase(it);
  }
  RAYX_CHECK_MSG(missing == 0, "a task waits for what is not among its dependencies");
  --tasks_;
}

std::vector<TaskEntry*> DependencyTracker::RemoveIf(
    const std::function<bool(const TaskEntry&)>& gone) {
  std::vector<TaskEntry*> removed;
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    std::erase_if(it->second, [&](TaskEntry* task) {
      if (!gone(*task)) return false;
      // It stands in as many lists as it misses objects; the last one reports it.
      if (--std::get<WaitingArgs>(task->phase).missing == 0) removed.push_back(task);
      return true;
    });
    it = it->second.empty() ? waiters_.erase(it) : std::next(it);
  }
  tasks_ -= removed.size();
  return removed;
}

void DependencyTracker::SanityCheck() const {
  std::unordered_map<const TaskEntry*, size_t> listed;
  for (const auto& [id, tasks] : waiters_) {
    RAYX_CHECK(!tasks.empty());
    for (const TaskEntry* task : tasks) ++listed[task];
  }
  RAYX_CHECK(listed.size() == tasks_);
  for (const auto& [task, count] : listed) {
    RAYX_CHECK(task->state() == TaskState::kWaitingArgs);
    RAYX_CHECK(std::get<WaitingArgs>(task->phase).missing == count);
  }
}

}  // namespace rayx::scheduler
