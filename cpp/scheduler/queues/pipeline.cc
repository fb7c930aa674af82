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
  scheduling_class.few_prefetched = true;
  if (worker.prefetched() > 0)
    SetPrefetchedTotal(scheduling_class, scheduling_class.prefetched_total + worker.prefetched());
}

void Pipeline::RemoveRunner(WorkerEntry& worker) {
  if (!worker.is_runner) return;
  SchedulingClass& scheduling_class = *worker.scheduling_class;
  if (worker.prefetched() > 0)
    SetPrefetchedTotal(scheduling_class, scheduling_class.prefetched_total - worker.prefetched());
  scheduling_class.runners.back()->runner_index = worker.runner_index;
  scheduling_class.runners[worker.runner_index] = scheduling_class.runners.back();
  scheduling_class.runners.pop_back();
  worker.is_runner = false;
}

void Pipeline::OnPrefetchedChanged(WorkerEntry& worker, size_t prefetched_before) {
  if (!worker.is_runner || worker.prefetched() == prefetched_before) return;
  SetPrefetchedTotal(*worker.scheduling_class, worker.scheduling_class->prefetched_total -
                                                   prefetched_before + worker.prefetched());
  if (worker.prefetched() < prefetched_before && worker.prefetched() <= kFewPrefetched)
    worker.scheduling_class->few_prefetched = true;
}

void Pipeline::SetPrefetchedTotal(SchedulingClass& scheduling_class, size_t total) {
  if (scheduling_class.prefetched_total == 0 && total > 0) {
    scheduling_class.prefetched_index = with_prefetched_.size();
    with_prefetched_.push_back(&scheduling_class);
  } else if (scheduling_class.prefetched_total > 0 && total == 0) {
    with_prefetched_.back()->prefetched_index = scheduling_class.prefetched_index;
    with_prefetched_[scheduling_class.prefetched_index] = with_prefetched_.back();
    with_prefetched_.pop_back();
    scheduling_class.prefetched_index = kNoIndex;
  }
  scheduling_class.prefetched_total = total;
}

bool Pipeline::WorthFilling(const SchedulingClass& scheduling_class) const {
  if (depth_ == 0 || scheduling_class.runners.empty()) return false;
  const size_t most = scheduling_class.runners.size() * depth_;
  const size_t room = most - std::min(most, scheduling_class.prefetched_total);
  return room > 0 && (scheduling_class.few_prefetched || room * 4 >= most);
}

size_t Pipeline::Room(const WorkerEntry& worker) const {
  if (worker.revoking || !worker.IsSchedulable()) return 0;
  return depth_ - std::min(depth_, worker.prefetched());
}

WorkerEntry* Pipeline::MostPrefetched(const SchedulingClass& scheduling_class, int64_t now_ms,
                                      std::optional<int64_t>& look_ms) const {
  WorkerEntry* best = nullptr;
  size_t most = 0;
  for (WorkerEntry* worker : scheduling_class.runners) {
    if (worker->prefetched() == 0 || worker->revoking) continue;
    const size_t revocable = worker->revocable();
    if (revocable <= most) continue;
    if (revocable <= kFewPrefetched) {
      if (worker->front_since_ms == kTimeUnknown) worker->front_since_ms = now_ms;
      const int64_t end_ms = worker->front_since_ms + kNoProgressMs;
      if (end_ms > now_ms) {
        look_ms = std::min(look_ms.value_or(end_ms), end_ms);
        continue;
      }
    }
    best = worker;
    most = revocable;
  }
  return best;
}

void Pipeline::SanityCheck() const {
  for (size_t i = 0; i < with_prefetched_.size(); ++i) {
    const SchedulingClass& scheduling_class = *with_prefetched_[i];
    RAYX_CHECK(scheduling_class.prefetched_index == i && scheduling_class.prefetched_total > 0);
    size_t total = 0;
    for (size_t k = 0; k < scheduling_class.runners.size(); ++k) {
      const WorkerEntry& worker = *scheduling_class.runners[k];
      RAYX_CHECK(worker.is_runner && worker.runner_index == k &&
                 worker.scheduling_class == &scheduling_class);
      RAYX_CHECK(worker.state == WorkerState::kBusy);
      RAYX_IMPLIES(worker.IsSchedulable(), worker.prefetched() <= depth_);
      total += worker.prefetched();
    }
    RAYX_CHECK(total == scheduling_class.prefetched_total);
  }
}

}  // namespace rayx::scheduler
