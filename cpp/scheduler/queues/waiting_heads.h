// Tasks that do not fit, and that others go by: for whom resources are kept back.
//
// A task that does not fit does not hold up those behind it. So that a stream of small tasks cannot
// keep a large one waiting for ever, the head of each scheduling class that does not fit is
// watched. Once later tasks have been given a resource that it lacks kBypassedMax times, or at all
// during kWaitMs, that resource is kept back: what becomes free of it goes to nobody else until the
// head fits. Only what it lacks and others took is kept, so a task that waits for the one GPU does
// not idle the CPUs.
//
// Nothing is kept for a task that needs what a blocked task holds: the blocked one may wait for a
// task that would be held up (resource_ledger.h).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/queues/scheduling_class.h"
#include "scheduler/resources/resource_ledger.h"

namespace rayx::scheduler {

class WaitingHeads {
 public:
  // Small tasks that may go by: enough to fill a machine while a large task waits for a long one to
  // end, few enough to pass in milliseconds if they are as small as tasks get.
  static constexpr uint32_t kBypassedMax = 100;
  // For tasks so long that a hundred take minutes. What is kept back idles at most as long as one
  // of them.
  static constexpr int64_t kWaitMs = 1000;
  // Heads watched at a time, since each task given out is compared with each of them. Others follow
  // as these run.
  static constexpr size_t kWatchedMax = 16;

  // The head of `scheduling_class` does not fit into `free`.
  void Watch(SchedulingClass& scheduling_class, const Amounts& free, int64_t now_ms);
  // `task` has been given to a worker. The wait of its scheduling class is over; for the others it
  // counts as one that went by.
  void OnGiven(const TaskEntry& task);
  // The tasks of `scheduling_class` will not run (its driver is gone, for instance).
  void Forget(SchedulingClass& scheduling_class);

  // Scheduling classes for whose head something is to be kept back now, oldest head first.
  std::vector<SchedulingClass*> Starved(int64_t now_ms, const ResourceLedger& ledger);
  // Takes from `free` what is kept for the head of `scheduling_class`.
  static void KeepBack(const SchedulingClass& scheduling_class, int64_t now_ms, Amounts& free);
  // Something is kept back for `scheduling_class` that tasks of `other` use.
  static bool KeepsFrom(const SchedulingClass& scheduling_class, const SchedulingClass& other,
                        int64_t now_ms);

  // Tasks of `scheduling_class` that arrived later than this must not be prefetched: together
  // with those before them they would go by a head that waits for what they use. So they seldom
  // have to be revoked for a starved one.
  uint64_t PrefetchArrivalMax(const SchedulingClass& scheduling_class) const;

  // When a head will have waited too long; nothing if none does.
  std::optional<int64_t> NextMs(int64_t now_ms) const;
  size_t size() const { return watched_.size(); }
  void SanityCheck() const;

 private:
  static bool Kept(const HeadWait& wait, const HeadWait::Need& need, int64_t now_ms);

  std::vector<SchedulingClass*> watched_;
};

}  // namespace rayx::scheduler
