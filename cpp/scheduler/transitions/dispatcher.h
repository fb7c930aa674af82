// One round of decisions: which ready task goes to which worker, which workers are started or
// ended, whose prefetched tasks are revoked.
//
// Its cost is that of the tasks it gives out plus one look at each scheduling class with ready
// tasks, however many tasks they hold.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/state/scheduler_state.h"

namespace rayx::scheduler {

class Dispatcher {
 public:
  // REQUIRES: `state` outlives it.
  Dispatcher(SchedulerState& state, int64_t now_ms);
  void Run();

 private:
  // Tasks that wait for a worker, when workers cannot be started, fail.
  void FailUnstartable();
  // Those for whom resources are kept back come first: they are given what is free, or it is kept.
  void ServeStarved();
  void ServeReady();
  // There is enough for one more task of the scheduling class, also on the GPUs.
  bool FitsNow(const SchedulingClass& scheduling_class) const;
  // What is free as the scheduling class sees it: of the GPUs only what one task of it could use.
  Amounts FreeFor(const SchedulingClass& scheduling_class) const;
  // Gives the head of the scheduling class to a worker if it fits and there is one.
  bool GiveHead(SchedulingClass& scheduling_class);
  // Sets resources aside for ready tasks that only lack a worker, as many as may be started.
  void ReserveForStarts(SchedulingClass& scheduling_class);
  void Prefetch();
  void PrefetchFor(SchedulingClass& scheduling_class, uint64_t arrival_max);
  // Tasks of `scheduling_class` that arrived later are not prefetched, for the sake of those
  // that wait.
  uint64_t PrefetchArrivalMax(const SchedulingClass& scheduling_class) const;
  void RevokeForStarved();
  // Prefetched tasks would go before ready ones of a higher priority.
  static bool GivesWay(const SchedulingClass& scheduling_class);
  void RevokeForPriority();
  void RevokeForIdle();
  void StartWorkers();
  void EndIdleWorkers();
  void Finish();
  void LookAgainAt(std::optional<int64_t> time_ms);

  SchedulerState& state_;
  const int64_t now_ms_;
  // What may still be given out this round: what is available, less what is kept back or set aside.
  Amounts free_;
  // Workers on their way or allowed to be: for so many tasks resources may be set aside.
  size_t reservable_ = 0;
  bool may_start_ = false;
  size_t wanted_workers_ = 0;
  bool lacked_worker_ = false;
  // Scheduling classes for whose head something is kept back this round, oldest first.
  struct Starved {
    SchedulingClass* scheduling_class = nullptr;
    uint64_t arrival = 0;
  };
  std::vector<Starved> starved_;
  std::vector<SchedulingClass*> reserved_classes_;
  std::optional<int64_t> look_ms_;
};

}  // namespace rayx::scheduler
