// The worker processes of this node: which there are, which is free for whom, when one more is
// wanted or one too many.
//
// A worker serves one driver from its first task on, since it has imported that driver's code. Idle
// workers are handed out last in, first out: the one that was used last has the warmest caches, and
// those not needed stay idle and can end.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/base/limits.h"
#include "scheduler/tables/start_backoff.h"
#include "scheduler/types/worker_entry.h"

namespace rayx::scheduler {

class WorkerPool {
 public:
  struct Options {
    size_t prestart = 0;
    size_t workers_max = 0;
    // As many may be idle or busy before an idle one of another driver is ended for each that is
    // started.
    size_t cpus = 0;
  };
  explicit WorkerPool(Options options);

  // A new worker in state Starting. Numbers count from 1. With a driver it stands for a worker of
  // another node, which runs for that: it is Idle, and counts nowhere in what follows but among
  // those that are bound to the driver.
  WorkerEntry& Add(const DriverId* elsewhere_for = nullptr);
  // Null if unknown or gone.
  WorkerEntry* Find(WorkerNumber number);
  const WorkerEntry* Find(WorkerNumber number) const;
  // Changes its state. CHECKs that the move is allowed.
  void Move(WorkerEntry& worker, WorkerState next);
  // Forgets the worker.
  void Remove(WorkerEntry& worker);
  // An idle worker that may run tasks of `driver`, bound to it or not bound yet; null if there is
  // none.
  WorkerEntry* FindIdle(const DriverId& driver);
  // The worker runs its first task. REQUIRES: Idle.
  void Bind(WorkerEntry& worker, const DriverId& driver);

  // The worker has an actor from now on: it is neither idle nor active in what follows, since its
  // number is the user's affair. REQUIRES: Busy.
  void GiveToActor(WorkerEntry& worker);

  // So many workers wait in get or wait that trees of tasks are walked with care.
  bool nested() const { return blocked_without_actor_ >= limits::kBlockedWorkersFree; }
  // How many more may be started now; fewer while many are blocked (limits::kBlockedWorkersFree).
  size_t StartsAllowed(int64_t now_ms) const;
  // A start was decided on.
  void OnStart(int64_t now_ms) {
    last_start_ms_ = now_ms;
    backoff_.OnAttempt();
  }
  // When StartsAllowed may answer more than at `now_ms`, if nothing else happens.
  std::optional<int64_t> NextStartMs(int64_t now_ms) const;
  // Workers that the pool wants for itself, whatever the tasks want.
  size_t PrestartMissing() const;
  // How many of them should be tried now.
  size_t PrestartsDue(int64_t now_ms) const {
    return backoff_.AllowsUnasked(now_ms) ? PrestartMissing() : 0;
  }
  // When PrestartsDue may answer more than before, if nothing else happens.
  std::optional<int64_t> NextPrestartMs() const {
    return PrestartMissing() > 0 ? backoff_.NextUnaskedMs() : std::nullopt;
  }
  // Idle or busy workers, started or starting, beyond `count`.
  bool ActiveBeyond(size_t count) const { return active() > count; }
  // The bound worker that has been idle longest; null if there is none.
  WorkerEntry* LongestIdleBound();
  // Idle workers to end: idle for limits::kIdleWorkerMs and beyond `prestart`.
  std::vector<WorkerEntry*> TooLongIdle(int64_t now_ms);
  // When TooLongIdle may answer more than before.
  std::optional<int64_t> NextIdleEndMs() const;
  // Gives those that have become idle since the last call, and their start, their time.
  void StampIdle(int64_t now_ms);
  // Someone could run tasks of `driver` without a new start: an idle, starting or busy worker.
  // Blocked ones and those of actors do not count.
  bool HasUsable(const DriverId& driver) const;
  // Workers bound to `driver`, in any state.
  std::vector<WorkerEntry*> BoundTo(const DriverId& driver);
  bool HasBoundTo(const DriverId& driver) const { return drivers_.contains(driver); }

  size_t count(WorkerState state) const { return counts_[static_cast<size_t>(state)]; }
  size_t size() const { return workers_.size() - elsewhere_; }
  bool full() const { return size() >= options_.workers_max; }
  // Busy or blocked workers that have an actor.
  size_t with_actor() const { return with_actor_; }
  // Workers that use, or are about to use, a processor for tasks: all but the blocked and ending
  // ones and those of actors.
  size_t active() const {
    return size() - count(WorkerState::kEnding) - blocked_without_actor_ - with_actor_;
  }
  // How many are active before an idle one of another driver is in the way.
  size_t roomy() const { return std::max(options_.cpus, options_.prestart); }
  // Some run tasks, and each of them has at least `count` prefetched. Actors that run no call
  // count as idle.
  bool AllHavePrefetched(size_t count) const;
  StartBackoff& backoff() { return backoff_; }
  const StartBackoff& backoff() const { return backoff_; }
  const std::unordered_map<WorkerNumber, std::unique_ptr<WorkerEntry>>& all() const {
    return workers_;
  }

  void SanityCheck() const;

 private:
  struct DriverWorkers {
    std::vector<WorkerEntry*> idle;
    // Workers that have an actor do not count.
    size_t busy = 0;
    size_t bound = 0;
  };
  using IdleList = std::vector<WorkerEntry*>;

  // Many are blocked, and whether one more is needed is about to be known.
  bool StartsCanWait(int64_t now_ms) const;
  IdleList& IdleListOf(const WorkerEntry& worker);
  void CountState(const WorkerEntry& worker, int change);
  size_t Surplus() const { return active() - std::min(active(), options_.prestart); }
  template <typename Visit>
  void ForEachIdle(Visit visit) const;

  const Options options_;
  StartBackoff backoff_;
  std::unordered_map<WorkerNumber, std::unique_ptr<WorkerEntry>> workers_;
  std::unordered_map<DriverId, DriverWorkers> drivers_;
  IdleList unbound_idle_;
  std::vector<WorkerNumber> newly_idle_;
  std::array<size_t, kWorkerStates> counts_{};
  size_t with_actor_ = 0;
  size_t blocked_without_actor_ = 0;
  size_t elsewhere_ = 0;
  WorkerNumber last_number_ = kNoWorker;
  // When the last start was decided on, or has succeeded.
  std::optional<int64_t> last_start_ms_;
  bool newly_started_ = false;
};

}  // namespace rayx::scheduler
