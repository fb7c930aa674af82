// Which tasks wait for which objects.
#pragma once

#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "scheduler/types/task_entry.h"

namespace rayx::scheduler {

class DependencyTracker {
 public:
  // The task waits for each of `missing` (an id may be listed twice). REQUIRES: `missing` is not
  // empty, the task is in state WaitingArgs and stays where it is until it is ready or removed.
  void Add(TaskEntry& task, std::span<const ObjectId> missing);
  // Appends to `ready` those that waited for nothing but `id`, in order of submission. Their state
  // is not changed.
  void OnAvailable(const ObjectId& id, std::vector<TaskEntry*>& ready);
  // The same for those of which `is_for` is true; others wait on.
  void OnAvailableFor(const ObjectId& id, const std::function<bool(const TaskEntry&)>& is_for,
                      std::vector<TaskEntry*>& ready);
  // The task waits for nothing any more. REQUIRES: it waits.
  void Remove(TaskEntry& task);
  // Removes every task of which `gone` is true; returns each once. Looks at all waiting tasks: for
  // rare events.
  std::vector<TaskEntry*> RemoveIf(const std::function<bool(const TaskEntry&)>& gone);

  bool IsMissing(const ObjectId& id) const { return waiters_.contains(id); }
  // Tasks that wait.
  size_t size() const { return tasks_; }

  // CHECKs the counts of all waiting tasks against the lists.
  void SanityCheck() const;

 private:
  // The task waits for one object less: it is ready if that was the last.
  void CountDown(TaskEntry* task, std::vector<TaskEntry*>& ready);

  std::unordered_map<ObjectId, std::vector<TaskEntry*>> waiters_;
  size_t tasks_ = 0;
};

}  // namespace rayx::scheduler
