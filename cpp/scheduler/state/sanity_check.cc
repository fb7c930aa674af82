#include "scheduler/state/sanity_check.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace rayx::scheduler {
namespace {

// First the creation of the actor, then its calls.
void CheckActorWorker(const SchedulerState& state, const WorkerEntry& worker) {
  if (worker.held.empty()) return;
  const TaskEntry& creation = *worker.held.front().task;
  RAYX_CHECK(creation.IsCreation() && creation.actor != nullptr);
  const ActorEntry& actor = *creation.actor;
  RAYX_CHECK(actor.creation == &creation);
  const bool is_prefetching = state.pipeline.depth() > 0 || worker.is_elsewhere;
  const size_t most_prefetched = is_prefetching ? limits::kCallsPrefetchedMax : 0;
  RAYX_IMPLIES(worker.IsSchedulable(),
               worker.prefetched() <= actor.max_concurrency + most_prefetched);
  const bool is_ending = worker.state == WorkerState::kEnding;
  RAYX_CHECK(is_ending == (actor.state == ActorState::kDead));
  RAYX_IMPLIES(worker.prefetched() > 0 && !is_ending, actor.state == ActorState::kAlive);
  for (size_t i = 1; i < worker.held.size(); ++i) {
    const TaskEntry& call = *worker.held[i].task;
    RAYX_CHECK(call.IsCall() && call.actor == &actor && call.scheduling_class == nullptr);
  }
}

void CheckWorker(const SchedulerState& state, const WorkerEntry& worker) {
  const WorkerState is = worker.state;
  RAYX_IMPLIES(is == WorkerState::kStarting, !worker.IsBound());
  RAYX_IMPLIES(is == WorkerState::kStarting || is == WorkerState::kIdle, worker.held.empty());
  RAYX_IMPLIES(is == WorkerState::kBusy || is == WorkerState::kBlocked, !worker.held.empty());
  RAYX_IMPLIES(is != WorkerState::kEnding, worker.gave_back_cpu == (is == WorkerState::kBlocked));
  RAYX_CHECK(worker.is_runner == (is == WorkerState::kBusy && !worker.has_actor));
  RAYX_CHECK((worker.scheduling_class != nullptr) == !worker.held.empty());
  RAYX_CHECK(worker.IsSchedulable() == (state.unschedulable != worker.number));
  RAYX_IMPLIES(!worker.has_actor && worker.IsSchedulable(),
               worker.prefetched() <= state.pipeline.depth());
  if (worker.has_actor) CheckActorWorker(state, worker);
  RAYX_IMPLIES(!worker.held.empty(),
               worker.is_elsewhere == worker.scheduling_class->kind().elsewhere);
  RAYX_IMPLIES(worker.is_elsewhere, is == WorkerState::kBusy || is == WorkerState::kEnding);
  RAYX_IMPLIES(worker.held.empty(), worker.gpus.empty());
  if (worker.is_runner)
    RAYX_CHECK(worker.scheduling_class->runners[worker.runner_index] == &worker);
  for (size_t i = 0; i < worker.held.size(); ++i) {
    const HeldTask& held = worker.held[i];
    RAYX_CHECK(held.task->state() == TaskState::kAssigned);
    RAYX_CHECK(held.task->assigned().worker == worker.number);
    RAYX_CHECK(held.task->assigned().sequence == held.sequence);
    RAYX_CHECK(worker.has_actor && i > 0 ? held.task->IsCall()
                                         : held.task->scheduling_class == worker.scheduling_class);
    RAYX_CHECK(held.task->spec.driver == worker.driver);
    RAYX_CHECK(held.sequence < worker.next_sequence);
    RAYX_IMPLIES(i > 0, worker.held[i - 1].sequence < held.sequence);
  }
}

// Calls that no worker holds: each stands in one queue.
size_t CallsIn(const SchedulerState& state) {
  size_t count = 0;
  for (const auto& [id, task] : state.tasks) {
    if (task.IsCall() && task.state() != TaskState::kAssigned) ++count;
  }
  return count;
}
size_t CallsQueued(const SchedulerState& state) {
  size_t count = 0;
  for (const auto& [id, actor] : state.actors.all()) {
    for (const auto& [caller, queue] : actor.callers) count += queue.calls.size();
  }
  return count;
}

void CheckTasks(const SchedulerState& state) {
  size_t counts[3] = {0, 0, 0};
  size_t ready_calls = 0;
  std::unordered_map<const SchedulingClass*, size_t> by_class;
  for (const auto& [id, task] : state.tasks) {
    RAYX_CHECK(task.spec.id == id);
    RAYX_CHECK((task.scheduling_class == nullptr) == task.IsCall());
    RAYX_CHECK((task.actor == nullptr) == (task.spec.kind == TaskKind::kFunction));
    if (task.scheduling_class != nullptr) {
      RAYX_CHECK(task.scheduling_class->driver() == task.spec.driver);
      ++by_class[task.scheduling_class];
    } else if (task.state() == TaskState::kReady) {
      ++ready_calls;
    }
    ++counts[static_cast<size_t>(task.state())];
    RAYX_IMPLIES(task.state() == TaskState::kAssigned,
                 state.pool.Find(task.assigned().worker) != nullptr);
    RAYX_IMPLIES(state.gone_drivers.contains(task.spec.driver),
                 task.state() == TaskState::kAssigned);
  }
  RAYX_CHECK(counts[0] == state.dependencies.size());
  RAYX_CHECK(counts[1] == state.queue.size() + ready_calls + state.for_elsewhere.size());
  for (const TaskEntry* creation : state.for_elsewhere) {
    RAYX_CHECK(creation->state() == TaskState::kReady);
    RAYX_CHECK(creation->scheduling_class->kind().elsewhere);
  }
  RAYX_CHECK(CallsIn(state) == CallsQueued(state));
  RAYX_CHECK(counts[2] == state.tasks_assigned);
  for (const auto& [scheduling_class, count] : by_class)
    RAYX_CHECK(scheduling_class->task_count == count && scheduling_class->reserved == 0);
}

// What is available and what workers hold make up the total.
void CheckResources(const SchedulerState& state) {
  Amounts available = state.ledger.total_amounts();
  Amounts kept(available.size(), 0);
  std::vector<int64_t> gpus(state.gpus.free().size(), ResourceAmount::kUnitsPerOne);
  size_t held = 0;
  for (const auto& [number, worker] : state.pool.all()) {
    CheckWorker(state, *worker);
    held += worker->held.size();
    if (worker->held.empty()) continue;
    for (const uint32_t gpu : worker->gpus) {
      gpus[gpu] -=
          std::min(worker->scheduling_class->shape().gpu_units, ResourceAmount::kUnitsPerOne);
    }
    for (const Shape::Item& item : worker->scheduling_class->shape().items) {
      const bool given_back = worker->gave_back_cpu && item.resource == state.ledger.cpu();
      if (!given_back) available[item.resource] -= item.units;
      const bool keeps = worker->has_actor || (worker->gave_back_cpu && !given_back);
      if (keeps) kept[item.resource] += item.units;
    }
  }
  RAYX_CHECK(available == state.ledger.available());
  RAYX_CHECK(gpus == state.gpus.free());
  RAYX_CHECK(kept == state.ledger.kept());
  RAYX_CHECK(held == state.tasks_assigned);
}

}  // namespace

void CheckSanity(const SchedulerState& state) {
  CheckTasks(state);
  CheckResources(state);
  RAYX_CHECK(state.unschedulable == kNoWorker || state.pool.Find(state.unschedulable) != nullptr);
  state.dependencies.SanityCheck();
  state.actors.SanityCheck();
  state.interrupts.SanityCheck(state.tasks);
  state.queue.SanityCheck();
  state.heads.SanityCheck();
  state.pool.SanityCheck();
  state.pipeline.SanityCheck();
  for (const DriverId& driver : state.gone_drivers) RAYX_CHECK(state.pool.HasBoundTo(driver));
}

}  // namespace rayx::scheduler
