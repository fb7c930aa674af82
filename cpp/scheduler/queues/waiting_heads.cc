#include "scheduler/queues/waiting_heads.h"

#include <algorithm>
#include <limits>

#include "common/base/check.h"

namespace rayx::scheduler {

void WaitingHeads::Watch(SchedulingClass& scheduling_class, const Amounts& free, int64_t now_ms) {
  HeadWait& wait = scheduling_class.wait;
  if (!wait.watched) {
    if (watched_.size() >= kWatchedMax) return;
    watched_.push_back(&scheduling_class);
    wait.watched = true;
    wait.since_ms = now_ms;
    wait.needs.clear();
    for (const Shape::Item& item : scheduling_class.shape().items) {
      wait.needs.push_back({item.resource, item.units, false, 0});
    }
  }
  for (HeadWait::Need& need : wait.needs) need.lacking = free[need.resource] < need.units;
}

void WaitingHeads::OnGiven(const TaskEntry& task) {
  if (watched_.empty()) return;
  for (SchedulingClass* scheduling_class : watched_) {
    if (scheduling_class == task.scheduling_class ||
        scheduling_class->Head()->arrival > task.arrival)
      continue;
    for (HeadWait::Need& need : scheduling_class->wait.needs) {
      if (need.lacking && task.scheduling_class->shape().Uses(need.resource)) ++need.bypassed;
    }
  }
  Forget(*task.scheduling_class);
}

void WaitingHeads::Forget(SchedulingClass& scheduling_class) {
  if (!scheduling_class.wait.watched) return;
  scheduling_class.wait.watched = false;
  std::erase(watched_, &scheduling_class);
}

bool WaitingHeads::Kept(const HeadWait& wait, const HeadWait::Need& need, int64_t now_ms) {
  if (need.bypassed > kBypassedMax) return true;
  return need.bypassed > 0 && now_ms - wait.since_ms >= kWaitMs;
}

std::vector<SchedulingClass*> WaitingHeads::Starved(int64_t now_ms, const ResourceLedger& ledger) {
  std::vector<SchedulingClass*> starved;
  if (watched_.empty()) return starved;
  for (SchedulingClass* scheduling_class : watched_) {
    const auto& needs = scheduling_class->wait.needs;
    const bool kept = std::any_of(needs.begin(), needs.end(), [&](const HeadWait::Need& need) {
      return Kept(scheduling_class->wait, need, now_ms);
    });
    if (kept && ledger.FreeOnceRunningEnd(scheduling_class->shape()))
      starved.push_back(scheduling_class);
  }
  std::sort(starved.begin(), starved.end(), [](const SchedulingClass* a, const SchedulingClass* b) {
    return a->Head()->arrival < b->Head()->arrival;
  });
  return starved;
}

void WaitingHeads::KeepBack(const SchedulingClass& scheduling_class, int64_t now_ms,
                            Amounts& free) {
  for (const HeadWait::Need& need : scheduling_class.wait.needs) {
    if (Kept(scheduling_class.wait, need, now_ms)) free[need.resource] -= need.units;
  }
}

bool WaitingHeads::KeepsFrom(const SchedulingClass& scheduling_class, const SchedulingClass& other,
                             int64_t now_ms) {
  if (&scheduling_class == &other) return false;
  for (const HeadWait::Need& need : scheduling_class.wait.needs) {
    if (Kept(scheduling_class.wait, need, now_ms) && other.shape().Uses(need.resource)) return true;
  }
  return false;
}

uint64_t WaitingHeads::PrefetchArrivalMax(const SchedulingClass& scheduling_class) const {
  uint64_t most = std::numeric_limits<uint64_t>::max();
  for (const SchedulingClass* other : watched_) {
    if (other == &scheduling_class) continue;
    for (const HeadWait::Need& need : other->wait.needs) {
      if (!need.lacking || !scheduling_class.shape().Uses(need.resource)) continue;
      most = std::min(most, other->Head()->arrival + kBypassedMax);
    }
  }
  return most;
}

std::optional<int64_t> WaitingHeads::NextMs(int64_t now_ms) const {
  std::optional<int64_t> next;
  for (const SchedulingClass* scheduling_class : watched_) {
    const int64_t end_ms = scheduling_class->wait.since_ms + kWaitMs;
    const auto& needs = scheduling_class->wait.needs;
    const bool passed = std::any_of(needs.begin(), needs.end(),
                                    [](const HeadWait::Need& need) { return need.bypassed > 0; });
    if (passed && end_ms > now_ms && (!next.has_value() || end_ms < *next)) next = end_ms;
  }
  return next;
}

void WaitingHeads::SanityCheck() const {
  RAYX_CHECK(watched_.size() <= kWatchedMax);
  for (const SchedulingClass* scheduling_class : watched_) {
    RAYX_CHECK(scheduling_class->wait.watched && scheduling_class->ready_count() > 0);
    RAYX_CHECK(scheduling_class->wait.needs.size() == scheduling_class->shape().items.size());
  }
}

}  // namespace rayx::scheduler
