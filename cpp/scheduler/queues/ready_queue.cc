#include "scheduler/queues/ready_queue.h"

#include <algorithm>

#include "common/base/check.h"

namespace rayx::scheduler {
namespace {

// Heaps have their greatest element first, so these say "comes after".
bool LaneAfter(const Lane* a, const Lane* b) {
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

Lane* ReadyQueue::FindLane(const DriverId& driver, const ResourceSet& demand, Lane::Kind kind) {
  if (last_ != nullptr && last_->kind() == kind && last_->driver() == driver &&
      last_->shape().demand == demand) {
    return last_;
  }
  if (lanes_ >= sweep_at_) Sweep();
  std::unique_ptr<DriverQueue>& queue = drivers_[driver];
  if (queue == nullptr) queue = std::make_unique<DriverQueue>();
  Shape* shape = shapes_.Intern(demand);
  for (const auto& lane : queue->all) {
    if (&lane->shape() == shape && lane->kind() == kind) return last_ = lane.get();
  }
  if (!queue->all.empty() && queue->all.front()->priority() != kind.priority) {
    queue->has_priorities = true;
  }
  ++shape->users;
  ++lanes_;
  queue->all.push_back(std::make_unique<Lane>(driver, shape, queue.get(), kind));
  return last_ = queue->all.back().get();
}

void ReadyQueue::Push(TaskEntry& task) {
  task.arrival = next_arrival_++;
  Insert(task);
}

void ReadyQueue::PutBack(TaskEntry& task) { Insert(task); }

void ReadyQueue::Insert(TaskEntry& task) {
  Lane& lane = *task.lane;
  lane.Insert(&task);
  ++size_;
  if (lane.ready_index != kNoIndex) return;
  DriverQueue& queue = *lane.queue();
  lane.ready_index = queue.ready.size();
  queue.ready.push_back(&lane);
  if (queue.ready_index != kNoIndex) return;
  queue.ready_index = ready_drivers_.size();
  ready_drivers_.push_back(&queue);
}

TaskEntry* ReadyQueue::Pop(Lane& lane, size_t skip) {
  TaskEntry* task = lane.PopBehind(skip);
  --size_;
  if (lane.ready_count() == 0) LeaveReady(lane);
  return task;
}

void ReadyQueue::Remove(const TaskEntry& task) {
  Lane& lane = *task.lane;
  lane.Remove(task);
  --size_;
  if (lane.ready_count() == 0) LeaveReady(lane);
}

std::vector<TaskEntry*> ReadyQueue::TakeAll(Lane& lane) {
  std::vector<TaskEntry*> tasks = lane.TakeAll();
  size_ -= tasks.size();
  if (!tasks.empty()) LeaveReady(lane);
  return tasks;
}

void ReadyQueue::LeaveReady(Lane& lane) {
  DriverQueue& queue = *lane.queue();
  queue.ready.back()->ready_index = lane.ready_index;
  queue.ready[lane.ready_index] = queue.ready.back();
  queue.ready.pop_back();
  lane.ready_index = kNoIndex;
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
    std::make_heap(queue->pass.begin(), queue->pass.end(), LaneAfter);
  }
  std::make_heap(pass_.begin(), pass_.end(), DriverAfter);
}

Lane* ReadyQueue::Next() const { return pass_.empty() ? nullptr : pass_.front()->pass.front(); }

void ReadyQueue::Reorder(Lane& lane) { Settle(lane, lane.ready_count() > 0); }

void ReadyQueue::Skip(Lane& lane) { Settle(lane, false); }

void ReadyQueue::Settle(Lane& lane, bool stays) {
  DriverQueue& queue = *lane.queue();
  RAYX_DCHECK(Next() == &lane);
  // The head of `lane` may have changed: pop_heap moves the front away without comparing it.
  std::pop_heap(pass_.begin(), pass_.end(), DriverAfter);
  std::pop_heap(queue.pass.begin(), queue.pass.end(), LaneAfter);
  if (stays) {
    std::push_heap(queue.pass.begin(), queue.pass.end(), LaneAfter);
  } else {
    queue.pass.pop_back();
  }
  if (queue.pass.empty()) {
    pass_.pop_back();
  } else {
    std::push_heap(pass_.begin(), pass_.end(), DriverAfter);
  }
}

const DriverQueue* ReadyQueue::FindDriver(const DriverId& driver) const {
  const auto it = drivers_.find(driver);
  return it == drivers_.end() ? nullptr : it->second.get();
}

void ReadyQueue::ForgetDriver(const DriverId& driver) {
  const auto it = drivers_.find(driver);
  if (it == drivers_.end()) return;
  for (const auto& lane : it->second->all) {
    RAYX_CHECK(lane->task_count == 0 && lane->runners.empty());
    --lane->mutable_shape()->users;
    --lanes_;
  }
  last_ = nullptr;
  drivers_.erase(it);
}

void ReadyQueue::Sweep() {
  last_ = nullptr;
  for (auto& [driver, queue] : drivers_) {
    std::erase_if(queue->all, [this](const std::unique_ptr<Lane>& lane) {
      if (lane->task_count > 0 || !lane->runners.empty()) return false;
      --lane->mutable_shape()->users;
      --lanes_;
      return true;
    });
  }
  shapes_.Sweep();
  // A lane in use is found again by the next sweep only, so sweeps stay rare however many are in
  // use.
  sweep_at_ = std::max(kLanesKept, 2 * lanes_);
}

void ReadyQueue::SanityCheck() const {
  size_t ready = 0;
  size_t lanes = 0;
  size_t drivers_ready = 0;
  for (const auto& [driver, queue] : drivers_) {
    for (size_t i = 0; i < queue->ready.size(); ++i) RAYX_CHECK(queue->ready[i]->ready_index == i);
    for (const auto& lane : queue->all) {
      lane->SanityCheck();
      ready += lane->ready_count();
      RAYX_CHECK(lane->driver() == driver && lane->queue() == queue.get());
      RAYX_CHECK((lane->ready_index != kNoIndex) == (lane->ready_count() > 0));
    }
    lanes += queue->all.size();
    RAYX_CHECK((queue->ready_index != kNoIndex) == !queue->ready.empty());
    if (queue->ready_index == kNoIndex) continue;
    RAYX_CHECK(ready_drivers_[queue->ready_index] == queue.get());
    ++drivers_ready;
  }
  RAYX_CHECK(ready == size_);
  RAYX_CHECK(lanes == lanes_);
  RAYX_CHECK(drivers_ready == ready_drivers_.size());
}

}  // namespace rayx::scheduler
