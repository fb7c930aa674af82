#include "scheduler/queues/scheduling_class.h"

#include <algorithm>

#include "common/base/check.h"

namespace rayx::scheduler {

SchedulingClass::SchedulingClass(const DriverId& driver, Shape* shape, DriverQueue* queue,
                                 Kind kind)
    : driver_(driver), shape_(shape), queue_(queue), kind_(kind), levels_(1) {}

size_t SchedulingClass::HeadLevel() const {
  const size_t deepest = levels_.size() - 1;
  if (deepest == 0 || (pops_ + 1) % kOldestTurn != 0) return deepest;
  size_t oldest = deepest;
  for (size_t i = 0; i < deepest; ++i) {
    if (levels_[i].tasks.empty()) continue;
    if (levels_[i].tasks.front()->arrival < levels_[oldest].tasks.front()->arrival) oldest = i;
  }
  return oldest;
}

TaskEntry* SchedulingClass::Head() const { return levels_[HeadLevel()].tasks.front(); }

TaskEntry* SchedulingClass::Last() const {
  const auto level = std::find_if(levels_.begin(), levels_.end(),
                                  [](const Level& one) { return !one.tasks.empty(); });
  return level->tasks.back();
}

TaskEntry* SchedulingClass::PopBehind(size_t skip) {
  if (skip == 0) return Take(HeadLevel(), 0);
  size_t level = levels_.size() - 1;
  while (levels_[level].tasks.size() <= skip) skip -= levels_[level--].tasks.size();
  return Take(level, skip);
}

TaskEntry* SchedulingClass::Take(size_t level, size_t position) {
  std::deque<TaskEntry*>& tasks = levels_[level].tasks;
  TaskEntry* task = tasks[position];
  tasks.erase(tasks.begin() + static_cast<std::ptrdiff_t>(position));
  --ready_count_;
  ++pops_;
  while (levels_.size() > 1 && levels_.back().tasks.empty()) levels_.pop_back();
  return task;
}

void SchedulingClass::Insert(TaskEntry* task) {
  ++ready_count_;
  if (ready_count_ == 1) levels_.back().depth = task->depth;  // the only level, and empty
  auto level = std::find_if(levels_.rbegin(), levels_.rend(),
                            [task](const Level& other) { return other.depth <= task->depth; });
  if (level == levels_.rend() || level->depth != task->depth) {
    const auto at = levels_.insert(level.base(), Level{task->depth, {}});
    level = std::make_reverse_iterator(std::next(at));
  }
  std::deque<TaskEntry*>& tasks = level->tasks;
  if (tasks.empty() || tasks.back()->arrival < task->arrival) {
    tasks.push_back(task);
    return;
  }
  // Put back: older than nearly all that still wait, so the place is near the front.
  const auto place = std::find_if(tasks.begin(), tasks.end(), [task](const TaskEntry* other) {
    return other->arrival > task->arrival;
  });
  tasks.insert(place, task);
}

void SchedulingClass::Remove(const TaskEntry& task) {
  const auto level = std::find_if(levels_.begin(), levels_.end(),
                                  [&](const Level& one) { return one.depth == task.depth; });
  RAYX_CHECK(level != levels_.end());
  const auto place = std::lower_bound(
      level->tasks.begin(), level->tasks.end(), task.arrival,
      [](const TaskEntry* one, uint64_t arrival) { return one->arrival < arrival; });
  RAYX_CHECK(place != level->tasks.end() && *place == &task);
  level->tasks.erase(place);
  --ready_count_;
  while (levels_.size() > 1 && levels_.back().tasks.empty()) levels_.pop_back();
}

std::vector<TaskEntry*> SchedulingClass::TakeAll() {
  std::vector<TaskEntry*> all;
  all.reserve(ready_count_);
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    all.insert(all.end(), level->tasks.begin(), level->tasks.end());
  }
  levels_.assign(1, Level{});
  ready_count_ = 0;
  return all;
}

void SchedulingClass::OnBlocked(uint32_t depth) {
  deepest_blocked_ = blocked_ == 0 ? depth : std::max(deepest_blocked_, depth);
  ++blocked_;
}

void SchedulingClass::OnUnblocked() {
  RAYX_CHECK(blocked_ > 0);
  --blocked_;
}

void SchedulingClass::SanityCheck() const {
  size_t count = 0;
  for (size_t i = 0; i < levels_.size(); ++i) {
    const Level& level = levels_[i];
    RAYX_IMPLIES(i > 0, levels_[i - 1].depth < level.depth);
    RAYX_IMPLIES(i > 0 && i + 1 == levels_.size(), !level.tasks.empty());
    for (size_t k = 0; k < level.tasks.size(); ++k) {
      const TaskEntry& task = *level.tasks[k];
      RAYX_CHECK(task.state() == TaskState::kReady);
      RAYX_CHECK(task.scheduling_class == this);
      RAYX_CHECK(task.depth == level.depth);
      RAYX_IMPLIES(k > 0, level.tasks[k - 1]->arrival < task.arrival);
    }
    count += level.tasks.size();
  }
  RAYX_CHECK(count == ready_count_);
}

}  // namespace rayx::scheduler
