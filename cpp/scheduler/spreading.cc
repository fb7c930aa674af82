#include "scheduler/spreading.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "scheduler/state/scheduler_state.h"
#include "scheduler/transitions/actor_lifecycle.h"
#include "scheduler/transitions/admission.h"
#include "scheduler/transitions/assignment.h"
#include "scheduler/transitions/elsewhere.h"
#include "scheduler/transitions/task_outcome.h"

namespace rayx::scheduler {
namespace {

// A worker that ends as many between two looks (limits::kSpreadLookMs) has tasks of a few
// milliseconds, of which a full pipeline is soon done.
constexpr uint32_t kShortTasksALook = 4;

// What is free, as tasks that wait would take it in their order.
struct Free {
  Amounts amounts;
  // Actors that ask for nothing, beyond one a processor, had better go to where fewer are.
  size_t actors = 0;
};

size_t RoomForActors(const SchedulerState& state) {
  const size_t cpus = state.pool.roomy();
  return cpus - std::min(cpus, state.pool.with_actor());
}

// How many tasks of this shape fit in what is free, which is taken.
size_t TakeFree(Amounts& free, const Shape& shape, size_t most) {
  size_t fitting = 0;
  while (fitting < most && Fits(free, shape) && !shape.items.empty()) {
    Subtract(free, shape);
    ++fitting;
  }
  // A task that asks for nothing can run whatever else does.
  return shape.items.empty() ? most : fitting;
}

size_t TakeFree(Free& free, const SchedulingClass& one) {
  if (!one.kind().creations || !one.shape().items.empty()) {
    return TakeFree(free.amounts, one.shape(), one.ready_count());
  }
  const size_t fitting = std::min(free.actors, one.ready_count());
  free.actors -= fitting;
  return fitting;
}

bool MayLeave(const TaskEntry& task) {
  return task.attempt == 0 && task.results_made == 0 && !task.has_items && !task.failed &&
         !task.interruption.wanted && task.spec.options.stream_window == 0;
}

// Calls with each scheduling class that has tasks which could leave, and with their number.
void ForEachSurplus(const SchedulerState& state,
                    const std::function<void(SchedulingClass&, size_t)>& act) {
  Free free{state.ledger.available(), RoomForActors(state)};
  std::vector<std::pair<SchedulingClass*, size_t>> found;
  for (const DriverQueue* queue : state.queue.ready_drivers()) {
    for (SchedulingClass* one : queue->ready) {
      const size_t fitting = TakeFree(free, *one);
      if (one->kind().placed || fitting == one->ready_count()) continue;
      found.emplace_back(one, one->ready_count() - fitting);
    }
  }
  for (const auto& [one, count] : found) act(*one, count);
}

void ForEachClass(const SchedulerState& state, const std::function<void(SchedulingClass&)>& act) {
  for (const auto& [driver, queue] : state.queue.drivers()) {
    for (const auto& scheduling_class : queue->all) act(*scheduling_class);
  }
}

void AddTimes(ResourceSet& sum, const Shape& shape, int64_t times) {
  if (times == 0) return;
  for (const auto& [name, amount] : shape.demand.items()) {
    sum.Set(name, ResourceAmount::FromUnits(sum.Get(name).units() + amount.units() * times));
  }
}

}  // namespace

void Spreading::OnPlaced(TaskSpec spec, std::span<const ObjectId> missing) {
  SchedulerState& state = *state_;
  if (state.gone_drivers.contains(spec.driver)) {
    state.outbox.push_back(TaskEnded{std::move(spec), true});
    return;
  }
  const bool is_creation = spec.kind == TaskKind::kActorCreation;
  if (is_creation && RefuseCreation(state, spec)) return;
  if (!state.shapes.Feasible(spec.resources)) return RefuseInfeasible(state, std::move(spec));
  AddTask(state, std::move(spec), missing, {.creation = is_creation, .placed = true});
}

ResourceSet Spreading::Load() const {
  ResourceSet load = state_->options.total;
  load.Subtract(state_->ledger.AvailableSet());
  ForEachClass(*state_, [&load](const SchedulingClass& one) {
    const auto running = static_cast<int64_t>(one.runners.size() + one.blocked());
    const auto queued = static_cast<int64_t>(one.ready_count() + one.prefetched_total);
    AddTimes(load, one.shape(), one.kind().placed ? -running : queued);
  });
  for (const auto& [number, worker] : state_->pool.all()) {
    const bool is_placed = worker->has_actor && worker->scheduling_class != nullptr &&
                           worker->scheduling_class->kind().placed;
    if (is_placed) AddTimes(load, worker->scheduling_class->shape(), -1);
  }
  return load;
}

bool Spreading::HasQueued() const {
  return state_->queue.size() > 0 || !state_->pipeline.with_prefetched().empty();
}

void Spreading::LookAtWorkers(bool is_watched) {
  std::vector<WorkerEntry*> stuck;
  ForEachClass(*state_, [&](SchedulingClass& one) {
    if (one.kind().placed || one.kind().creations) return;
    if (!is_watched) one.is_slow = false;
    for (WorkerEntry* runner : one.runners) {
      const uint32_t front = runner->held.front().sequence;
      const uint32_t before = std::exchange(runner->front_looked_at, front);
      if (before == WorkerEntry::kNotLookedAt || front - before >= kShortTasksALook) {
        one.is_slow = false;
      } else if (is_watched && front == before) {
        one.is_slow = true;
        if (!runner->revoking && runner->revocable() > 0) stuck.push_back(runner);
      }
    }
  });
  for (WorkerEntry* runner : stuck) Revoke(*state_, *runner);
  if (!stuck.empty()) state_->changed = true;
}

size_t Spreading::Surplus() const {
  size_t surplus = 0;
  ForEachSurplus(*state_, [&surplus](SchedulingClass&, size_t count) { surplus += count; });
  return surplus;
}

std::vector<TaskSpec> Spreading::TakeSurplus(size_t most) {
  std::vector<TaskSpec> taken;
  ForEachSurplus(*state_, [&](SchedulingClass& one, size_t count) {
    if (one.kind().creations) return;
    for (; count > 0 && taken.size() < most; --count) {
      TaskEntry* const task = one.Last();
      if (!MayLeave(*task)) return;
      TakeQueued(*state_, *task);
      --one.task_count;
      const TaskId id = task->spec.id;
      taken.push_back(std::move(task->spec));
      state_->tasks.erase(id);
      state_->changed = true;
    }
  });
  return taken;
}

size_t Spreading::SendActors(size_t most) {
  size_t sent = 0;
  ForEachSurplus(*state_, [&](SchedulingClass& one, size_t count) {
    if (!one.kind().creations) return;
    for (; count > 0 && sent < most; --count, ++sent) MoveElsewhere(*state_, *one.Last());
  });
  return sent;
}

}  // namespace rayx::scheduler
