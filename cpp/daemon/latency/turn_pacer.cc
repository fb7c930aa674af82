#include "daemon/latency/turn_pacer.h"

#include <sched.h>

#include <algorithm>
#include <utility>

#include "common/io/socket.h"
#include "common/os/clock.h"

namespace rayx::daemon {

void TurnPacer::OnSubmitted(bool from_task) {
  const scheduler::SchedulerStats stats = core_->scheduler().Stats();
  // An actor's creation stays an assigned task for life, and a task that submits is about to wait.
  const size_t idle = stats.workers_blocked + stats.actors + (from_task ? 1 : 0);
  const size_t known = stats.tasks_ready + stats.tasks_assigned;
  policy_.OnSubmit(known - std::min(known, idle), MonotonicUs());
}

Result<TurnPacer::DoorbellEnds> TurnPacer::MakeDoorbell() {
  Result<ScopedFd> doorbell = CreateDoorbell();
  if (!doorbell.ok()) return doorbell.status();
  Result<ScopedFd> worker = DuplicateFd(doorbell->get());
  if (!worker.ok()) return worker.status();
  Result<ScopedFd> client = DuplicateFd(doorbell->get());
  if (!client.ok()) return client.status();
  // The ends of the pair before may keep copies of the old doorbell, so closing it here would not
  // take it out of the set.
  if (doorbell_.valid()) wake_set_->Remove(doorbell_.get());
  doorbell_ = std::move(*doorbell);
  wake_set_->Add(doorbell_.get());
  return DoorbellEnds{.client = std::move(*client), .worker = std::move(*worker)};
}

void TurnPacer::ChooseCpu(bool pair_open, Audience audience) {
  const bool meet = policy_.meets(pair_open, audience);
  if (meet == binding_.has_value()) return;
  if (meet) {
    const int cpu = ::sched_getcpu();
    // Bound before clients are told: a processor that the node may still leave would mislead them.
    binding_.emplace(cpu);
    if (binding_->bound()) hint_.Publish(cpu);
  } else {
    // The other way round, for the same reason.
    hint_.Publish(AffinityHint::kNone);
    binding_.reset();
  }
}

void TurnPacer::OnTurnEnd(const PairOfTurn& pair, Audience audience) {
  const int64_t now_us = MonotonicUs();
  const bool cpus_spare = pair.memory != nullptr && spare_cpus_.Look(now_us);
  const SleepPlan plan = policy_.OnTurnEnd(
      {.now_us = now_us, .audience = audience, .pair = pair.heard, .cpus_spare = cpus_spare},
      [this] { return core_->scheduler().AllHavePrefetched(WakeCoalescing::kPrefetched); });
  // Written before the sleep, during which the ends go on with what they were told last; and only
  // if it changes, since the ends read the same cache line for each task. They read it relaxed: it
  // allows them to spin and tells them nothing else.
  if (pair.memory != nullptr && pair.memory->may_spin() != plan.may_spin) {
    pair.memory->AllowSpinning(plan.may_spin);
  }
  switch (plan.kind) {
    case SleepPlan::Kind::kNone:
      return;
    case SleepPlan::Kind::kPause:
      SleepUs(plan.us);
      return policy_.OnPaused(MonotonicUs());
    case SleepPlan::Kind::kUntilRung:
      return pair.memory->doorbell().SleepUntilRung(*wake_set_, static_cast<int>(plan.us / 1000),
                                                    &rings_seen_);
  }
}

std::string TurnPacer::DebugText() const {
  return "waiting processes meet on " +
         (binding_ ? "CPU " + std::to_string(hint_.cpu()) : std::string("any CPU")) + "\n";
}

}  // namespace rayx::daemon
