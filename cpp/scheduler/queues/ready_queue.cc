#include "scheduler/queues/ready_queue.h"

#include <algorithm>

#include "common/base/check.h"

namespace rayx::scheduler {
namespace {

// Heaps have their greatest element first, so these say "comes after".
bool ClassAfter(const SchedulingClass* a, const SchedulingClass* b) {
  if (a->priority() != b->priority()) return a->priority() < b->priority();
  const TaskEntry* x = a->Head();
  const TaskEntry* y = b->Head();
  return x->depth != y->depth ? x->depth < y->depth : x->arrival > y->arrival;
}
bool DriverAfter(const DriverQueue* a, const DriverQueue* b) {
  return a->pass.front()->Head()->arrival > b->pass.front()->Head()->arrival;
}

}  // namespace

ReadyQueue::ReadyQueue(ShapeTable& shapes) : shapes_(shapes) {}

SchedulingClass* ReadyQueue::FindClass(const DriverId& driver, const ResourceSet& demand,
                                       SchedulingClass::Kind kind) {
  if (last_ != nullptr && last_->kind() == kind && last_->driver() == driver &&
      last_->shape().demand == demand) {
    return last_;
  }
  if (classes_ >= sweep_at_) Sweep();
  std::unique_ptr<DriverQueue>& queue = drivers_[driver];
  if (queue == nullptr) queue = std::make_unique<DriverQueue>();
  Shape* shape = shapes_.Intern(demand);
  for (const auto& scheduling_class : queue->all) {
    if (&scheduling_class->shape() == shape && scheduling_class->kind() == kind)
      return last_ = scheduling_class.get();
  }
  if (!queue->all.empty() && queue->all.front()->priority() != kind.priority) {
    queue->has_priorities = true;
  }
  ++shape->users;
  ++classes_;
  queue->all.push_back(std::make_unique<SchedulingClass>(driver, shape, queue.get(), kind));
  return last_ = queue->all.back().get();
}

void ReadyQueue::Push(TaskEntry& task) {
  task.arrival = next_arrival_++;
  Insert(task);
}

void ReadyQueue::PutBack(TaskEntry& task) { Insert(task); }

void ReadyQueue::Insert(TaskEntry& task) {
  SchedulingClass& scheduling_class = *task.scheduling_class;
  scheduling_class.Insert(&task);
  ++size_;
  if (scheduling_class.ready_index != kNoIndex) return;
  DriverQueue& queue = *scheduling_class.queue();
  scheduling_class.ready_index = queue.ready.size();
  queue.ready.push_back(&scheduling_class);
  if (queue.ready_index != kNoIndex) return;
  queue.ready_index = ready_drivers_.size();
  ready_drivers_.push_back(&queue);
}

TaskEntry* ReadyQueue::Pop(SchedulingClass& scheduling_class, size_t skip) {
  TaskEntry* task = scheduling_class.PopBehind(skip);
  --size_;
  if (scheduling_class.ready_count() == 0) LeaveReady(scheduling_class);
  return task;
}

void ReadyQueue::Remove(const TaskEntry& task) {
  SchedulingClass& scheduling_class = *task.scheduling_class;
  scheduling_class.Remove(task);
  --size_;
  if (scheduling_class.ready_count() == 0) LeaveReady(scheduling_class);
}

std::vector<TaskEntry*> ReadyQueue::TakeAll(SchedulingClass& scheduling_class) {
  std::vector<TaskEntry*> tasks = scheduling_class.TakeAll();
  size_ -= tasks.size();
  if (!tasks.empty()) LeaveReady(scheduling_class);
  return tasks;
}

void ReadyQueue::LeaveReady(SchedulingClass& scheduling_class) {
  DriverQueue& queue = *scheduling_class.queue();
  queue.ready.back()->ready_index = scheduling_class.ready_index;
  queue.ready[scheduling_class.ready_index] = queue.ready.back();
  queue.ready.pop_back();
  scheduling_class.ready_index = kNoIndex;
  if (!queue.ready.empty()) return;
  ready_drivers_.back()->ready_index = queue.ready_index;
  ready_drivers_[queue.ready_index] = ready_drivers_.back();
  ready_drivers_.pop_back();
  queue.ready_index = kNoIndex;
}

void ReadyQueue::BeginPass() {
  pass_ = ready_drivers_;
  for (DriverQueue* queue : pass_) {
    queue->pass = queue->ready;
    std::make_heap(queue->pass.begin(), queue->pass.end(), ClassAfter);
  }
  std::make_heap(pass_.begin(), pass_.end(), DriverAfter);
}

SchedulingClass* ReadyQueue::Next() const {
  return pass_.empty() ? nullptr : pass_.front()->pass.front();
}

void ReadyQueue::Reorder(SchedulingClass& scheduling_class) {
  Settle(scheduling_class, scheduling_class.ready_count() > 0);
}

void ReadyQueue::Skip(SchedulingClass& scheduling_class) { Settle(scheduling_class, false); }

void ReadyQueue::Settle(SchedulingClass& scheduling_class, bool stays) {
  DriverQueue& queue = *scheduling_class.queue();
  RAYX_DCHECK(Next() == &scheduling_class);
  // The head of `scheduling_class` may have changed: pop_heap moves the front away without
  // comparing it.
  std::pop_heap(pass_.begin(), pass_.end(), DriverAfter);
  std::pop_heap(queue.pass.begin(), queue.pass.end(), ClassAfter);
  if (stays) {
    std::push_heap(queue.pass.begin(), queue.pass.end(), ClassAfter);
  } else {
    queue.pass.pop_back();
  }
  if (queue.pass.empty()) {
    pass_.pop_back();
  } else {
    std::push_heap(pass_.begin(), pass_.end(), DriverAfter);
  }
}

void ReadyQueue::ForgetDriver(const DriverId& driver) {
  const auto it = drivers_.find(driver);
  if (it == drivers_.end()) return;
  for (const auto& scheduling_class : it->second->all) {
    RAYX_CHECK(scheduling_class->task_count == 0 && scheduling_class->runners.empty());
    --scheduling_class->shape().users;
    --classes_;
  }
  last_ = nullptr;
  drivers_.erase(it);
}

void ReadyQueue::Sweep() {
  last_ = nullptr;
  for (auto& [driver, queue] : drivers_) {
    std::erase_if(queue->all, [this](const std::unique_ptr<SchedulingClass>& scheduling_class) {
      if (scheduling_class->task_count > 0 || !scheduling_class->runners.empty()) return false;
      --scheduling_class->shape().users;
      --classes_;
      return true;
    });
  }
  shapes_.Sweep();
  // A scheduling class in use is found again by the next sweep only, so sweeps stay rare however
  // many are in use.
  sweep_at_ = std::max(kClassesKept, 2 * classes_);
}

void ReadyQueue::SanityCheck() const {
  size_t ready = 0;
  size_t classes = 0;
  size_t drivers_ready = 0;
  for (const auto& [driver, queue] : drivers_) {
    for (size_t i = 0; i < queue->ready.size(); ++i) RAYX_CHECK(queue->ready[i]->ready_index == i);
    for (const auto& scheduling_class : queue->all) {
      scheduling_class->SanityCheck();
      ready += scheduling_class->ready_count();
      RAYX_CHECK(scheduling_class->driver() == driver && scheduling_class->queue() == queue.get());
      RAYX_CHECK((scheduling_class->ready_index != kNoIndex) ==
                 (scheduling_class->ready_count() > 0));
    }
    classes += queue->all.size();
    RAYX_CHECK((queue->ready_index != kNoIndex) == !queue->ready.empty());
    if (queue->ready_index == kNoIndex) continue;
    RAYX_CHECK(ready_drivers_[queue->ready_index] == queue.get());
    ++drivers_ready;
  }
  RAYX_CHECK(ready == size_);
  RAYX_CHECK(classes == classes_);
  RAYX_CHECK(drivers_ready == ready_drivers_.size());
}

}  // namespace rayx::scheduler
