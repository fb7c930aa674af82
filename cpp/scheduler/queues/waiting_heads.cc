#include "scheduler/queues/waiting_heads.h"

#include <algorithm>
#include <limits>

#include "common/base/check.h"

namespace rayx::scheduler {

void WaitingHeads::Watch(Lane& lane, const Amounts& free, int64_t now_ms) {
  HeadWait& wait = lane.wait;
  if (!wait.watched) {
    if (watched_.size() >= kWatchedMax) return;
    watched_.push_back(&lane);
    wait.watched = true;
    wait.since_ms = now_ms;
    wait.needs.clear();
    for (const Shape::Item& item : lane.shape().items) {
      wait.needs.push_back({item.resource, item.units, false, 0});
    }
  }
  for (HeadWait::Need& need : wait.needs) need.lacking = free[need.resource] < need.units;
}

void WaitingHeads::OnGiven(const TaskEntry& task) {
  if (watched_.empty()) return;
  for (Lane* lane : watched_) {
    if (lane == task.lane || lane->Head()->arrival > task.arrival) continue;
    for (HeadWait::Need& need : lane->wait.needs) {
      if (need.lacking && task.lane->shape().Uses(need.resource)) ++need.bypassed;
    }
  }
  Forget(*task.lane);
}

void WaitingHeads::Forget(Lane& lane) {
  if (!lane.wait.watched) return;
  lane.wait.watched = false;
  std::erase(watched_, &lane);
}

bool WaitingHeads::Kept(const HeadWait& wait, const HeadWait::Need& need, int64_t now_ms) {
  if (need.bypassed > kBypassedMax) return true;
  return need.bypassed > 0 && now_ms - wait.since_ms >= kWaitMs;
}

std::vector<Lane*> WaitingHeads::Starved(int64_t now_ms, const ResourceLedger& ledger) {
  std::vector<Lane*> starved;
  if (watched_.empty()) return starved;
  for (Lane* lane : watched_) {
    const auto& needs = lane->wait.needs;
    const bool kept = std::any_of(needs.begin(), needs.end(), [&](const HeadWait::Need& need) {
      return Kept(lane->wait, need, now_ms);
    });
    if (kept && ledger.FreeOnceRunningEnd(lane->shape())) starved.push_back(lane);
  }
  std::sort(starved.begin(), starved.end(),
            [](const Lane* a, const Lane* b) { return a->Head()->arrival < b->Head()->arrival; });
  return starved;
}

void WaitingHeads::KeepBack(const Lane& lane, int64_t now_ms, Amounts& free) {
  for (const HeadWait::Need& need : lane.wait.needs) {
    if (Kept(lane.wait, need, now_ms)) free[need.resource] -= need.units;
  }
}

bool WaitingHeads::KeepsFrom(const Lane& lane, const Lane& other, int64_t now_ms) {
  if (&lane == &other) return false;
  for (const HeadWait::Need& need : lane.wait.needs) {
    if (Kept(lane.wait, need, now_ms) && other.shape().Uses(need.resource)) return true;
  }
  return false;
}

uint64_t WaitingHeads::TailArrivalMax(const Lane& lane) const {
  uint64_t most = std::numeric_limits<uint64_t>::max();
  for (const Lane* other : watched_) {
    if (other == &lane) continue;
    for (const HeadWait::Need& need : other->wait.needs) {
      if (!need.lacking || !lane.shape().Uses(need.resource)) continue;
      most = std::min(most, other->Head()->arrival + kBypassedMax);
    }
  }
  return most;
}

std::optional<int64_t> WaitingHeads::NextMs(int64_t now_ms) const {
  std::optional<int64_t> next;
  for (const Lane* lane : watched_) {
    const int64_t end_ms = lane->wait.since_ms + kWaitMs;
    const auto& needs = lane->wait.needs;
    const bool passed = std::any_of(needs.begin(), needs.end(),
                                    [](const HeadWait::Need& need) { return need.bypassed > 0; });
    if (passed && end_ms > now_ms && (!next.has_value() || end_ms < *next)) next = end_ms;
  }
  return next;
}

void WaitingHeads::SanityCheck() const {
  RAYX_CHECK(watched_.size() <= kWatchedMax);
  for (const Lane* lane : watched_) {
    RAYX_CHECK(lane->wait.watched && lane->ready_count() > 0);
    RAYX_CHECK(lane->wait.needs.size() == lane->shape().items.size());
  }
}

}  // namespace rayx::scheduler
