#include "scheduler/queues/pipeline.h"

#include <algorithm>

#include "common/base/check.h"

namespace rayx::scheduler {

void Pipeline::AddRunner(WorkerEntry& worker) {
  Lane& lane = *worker.lane;
  RAYX_CHECK(!worker.is_runner);
  worker.is_runner = true;
  worker.runner_index = lane.runners.size();
  lane.runners.push_back(&worker);
  lane.short_tail = true;
  if (worker.tail() > 0) SetTailTotal(lane, lane.tail_total + worker.tail());
}

void Pipeline::RemoveRunner(WorkerEntry& worker) {
  if (!worker.is_runner) return;
  Lane& lane = *worker.lane;
  if (worker.tail() > 0) SetTailTotal(lane, lane.tail_total - worker.tail());
  lane.runners.back()->runner_index = worker.runner_index;
  lane.runners[worker.runner_index] = lane.runners.back();
  lane.runners.pop_back();
  worker.is_runner = false;
}

void Pipeline::OnTailChanged(WorkerEntry& worker, size_t tail_before) {
  if (!worker.is_runner || worker.tail() == tail_before) return;
  SetTailTotal(*worker.lane, worker.lane->tail_total - tail_before + worker.tail());
  if (worker.tail() < tail_before && worker.tail() <= kShortTail) worker.lane->short_tail = true;
}

void Pipeline::SetTailTotal(Lane& lane, size_t total) {
  if (lane.tail_total == 0 && total > 0) {
    lane.tailed_index = tailed_.size();
    tailed_.push_back(&lane);
  } else if (lane.tail_total > 0 && total == 0) {
    tailed_.back()->tailed_index = lane.tailed_index;
    tailed_[lane.tailed_index] = tailed_.back();
    tailed_.pop_back();
    lane.tailed_index = kNoIndex;
  }
  lane.tail_total = total;
}

bool Pipeline::WorthFilling(const Lane& lane) const {
  if (depth_ == 0 || lane.runners.empty()) return false;
  const size_t most = lane.runners.size() * depth_;
  const size_t room = most - std::min(most, lane.tail_total);
  return room > 0 && (lane.short_tail || room * 4 >= most);
}

size_t Pipeline::Room(const WorkerEntry& worker) const {
  return worker.recalling || worker.lined ? 0 : depth_ - std::min(depth_, worker.tail());
}

WorkerEntry* Pipeline::LongestTail(const Lane& lane, int64_t now_ms,
                                   std::optional<int64_t>& look_ms) const {
  WorkerEntry* longest = nullptr;
  size_t most = 0;
  for (WorkerEntry* worker : lane.runners) {
    if (worker->tail() == 0 || worker->recalling) continue;
    const size_t tail = worker->recallable();
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
    const Lane& lane = *tailed_[i];
    RAYX_CHECK(lane.tailed_index == i && lane.tail_total > 0);
    size_t total = 0;
    for (size_t k = 0; k < lane.runners.size(); ++k) {
      const WorkerEntry& worker = *lane.runners[k];
      RAYX_CHECK(worker.is_runner && worker.runner_index == k && worker.lane == &lane);
      RAYX_CHECK(worker.state == WorkerState::kBusy);
      RAYX_CHECK(worker.lined || worker.tail() <= depth_);
      total += worker.tail();
    }
    RAYX_CHECK(total == lane.tail_total);
  }
}

}  // namespace rayx::scheduler
