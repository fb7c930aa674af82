#include "scheduler/queues/pipeline.h"

#include <algorithm>

#include "common/base/check.h"

namespace rayx::scheduler {

void Pipeline::AddRunner(WorkerEntry& worker) {
  SchedulingClass& scheduling_class = *worker.scheduling_class;
  RAYX_CHECK(!worker.is_runner);
  worker.is_runner = true;
  worker.runner_index = scheduling_class.runners.size();
  scheduling_class.runners.push_back(&worker);
  scheduling_class.short_tail = true;
  if (worker.tail() > 0)
    SetTailTotal(scheduling_class, scheduling_class.tail_total + worker.tail());
}

void Pipeline::RemoveRunner(WorkerEntry& worker) {
  if (!worker.is_runner) return;
  SchedulingClass& scheduling_class = *worker.scheduling_class;
  if (worker.tail() > 0)
    SetTailTotal(scheduling_class, scheduling_class.tail_total - worker.tail());
  scheduling_class.runners.back()->runner_index = worker.runner_index;
  scheduling_class.runners[worker.runner_index] = scheduling_class.runners.back();
  scheduling_class.runners.pop_back();
  worker.is_runner = false;
}

void Pipeline::OnTailChanged(WorkerEntry& worker, size_t tail_before) {
  if (!worker.is_runner || worker.tail() == tail_before) return;
  SetTailTotal(*worker.scheduling_class,
               worker.scheduling_class->tail_total - tail_before + worker.tail());
  if (worker.tail() < tail_before && worker.tail() <= kShortTail)
    worker.scheduling_class->short_tail = true;
}

void Pipeline::SetTailTotal(SchedulingClass& scheduling_class, size_t total) {
  if (scheduling_class.tail_total == 0 && total > 0) {
    scheduling_class.tailed_index = tailed_.size();
    tailed_.push_back(&scheduling_class);
  } else if (scheduling_class.tail_total > 0 && total == 0) {
    tailed_.back()->tailed_index = scheduling_class.tailed_index;
    tailed_[scheduling_class.tailed_index] = tailed_.back();
    tailed_.pop_back();
    scheduling_class.tailed_index = kNoIndex;
  }
  scheduling_class.tail_total = total;
}

bool Pipeline::WorthFilling(const SchedulingClass& scheduling_class) const {
  if (depth_ == 0 || scheduling_class.runners.empty()) return false;
  const size_t most = scheduling_class.runners.size() * depth_;
  const size_t room = most - std::min(most, scheduling_class.tail_total);
  return room > 0 && (scheduling_class.short_tail || room * 4 >= most);
}

size_t Pipeline::Room(const WorkerEntry& worker) const {
  return worker.revoking || worker.lined ? 0 : depth_ - std::min(depth_, worker.tail());
}

WorkerEntry* Pipeline::LongestTail(const SchedulingClass& scheduling_class, int64_t now_ms,
                                   std::optional<int64_t>& look_ms) const {
  WorkerEntry* longest = nullptr;
  size_t most = 0;
  for (WorkerEntry* worker : scheduling_class.runners) {
    if (worker->tail() == 0 || worker->revoking) continue;
    const size_t tail = worker->revocable();
    if (tail <= most) continue;
    if (tail <= kShortTail) {
      if (worker->front_since_ms == kTimeUnknown) worker->front_since_ms = now_ms;
      const int64_t end_ms = worker->front_since_ms + kNoProgressMs;
      if (end_ms > now_ms) {
        look_ms = std::min(look_ms.value_or(end_ms), end_ms);
        continue;
      }
    }
    longest = worker;
    most = tail;
  }
  return longest;
}

void Pipeline::SanityCheck() const {
  for (size_t i = 0; i < tailed_.size(); ++i) {
    const SchedulingClass& scheduling_class = *tailed_[i];
    RAYX_CHECK(scheduling_class.tailed_index == i && scheduling_class.tail_total > 0);
    size_t total = 0;
    for (size_t k = 0; k < scheduling_class.runners.size(); ++k) {
      const WorkerEntry& worker = *scheduling_class.runners[k];
      RAYX_CHECK(worker.is_runner && worker.runner_index == k &&
                 worker.scheduling_class == &scheduling_class);
      RAYX_CHECK(worker.state == WorkerState::kBusy);
      RAYX_CHECK(worker.lined || worker.tail() <= depth_);
      total += worker.tail();
    }
    RAYX_CHECK(total == scheduling_class.tail_total);
  }
}

}  // namespace rayx::scheduler
