#include "scheduler/transitions/lease.h"

#include <utility>

#include "common/base/check.h"
#include "common/protocol/direct_call.h"
#include "scheduler/transitions/assignment.h"

namespace rayx::scheduler {
namespace {

void Move(WorkerEntry& worker, LeaseState next) {
  const uint8_t allowed = kLeaseMoves[static_cast<size_t>(worker.lease)];
  RAYX_CHECK_MSG((allowed & Bit(next)) != 0, LeaseStateName(worker.lease));
  worker.lease = next;
}

ActorEntry* ActorOf(const WorkerEntry& worker) {
  return worker.has_actor && !worker.held.empty() ? worker.held.front().task->actor : nullptr;
}

bool IsForActor(const TaskSpec& spec, const WorkerEntry& worker) {
  const ActorEntry* actor = ActorOf(worker);
  // It may have been killed meanwhile.
  const bool was_made = actor != nullptr && (actor->state == ActorState::kAlive ||
                                             worker.state == WorkerState::kEnding);
  return was_made && spec.kind == TaskKind::kActorCall && spec.actor == actor->id &&
         spec.driver == actor->driver;
}

Status Refusal(const TaskSpec& spec, const WorkerEntry& worker, uint32_t sequence) {
  return Status::InvalidArgument("task " + spec.id.Hex() + " was given to worker " +
                                 worker.number.ToString() + " directly, as number " +
                                 std::to_string(sequence) + ", which cannot be");
}

}  // namespace

bool OpenLease(SchedulerState& state, WorkerNumber number) {
  WorkerEntry* worker = state.pool.Find(number);
  if (state.unschedulable != kNoWorker || worker == nullptr || !worker->IsBound()) return false;
  if (worker->state == WorkerState::kEnding || worker->revoking) return false;
  if (worker->is_elsewhere) return false;
  const bool runs_nothing = worker->has_actor ? worker->prefetched() == 0 : worker->held.empty();
  if (!runs_nothing) return false;
  if (worker->has_actor) {
    const ActorEntry* actor = ActorOf(*worker);
    const bool one_by_one = actor != nullptr && actor->max_concurrency == 1;
    if (!one_by_one || actor->state != ActorState::kAlive) return false;
  }
  Move(*worker, LeaseState::kHeld);
  state.unschedulable = number;
  return true;
}

void CloseLease(SchedulerState& state, WorkerNumber number) {
  if (number == kNoWorker || state.unschedulable != number) return;
  WorkerEntry& worker = *state.pool.Find(number);
  Move(worker, LeaseState::kNotLeased);
  state.unschedulable = kNoWorker;
  state.changed = true;
  if (ActorEntry* actor = ActorOf(worker)) state.actors.List(*actor);
}

void KeepLease(SchedulerState& state, WorkerNumber number) {
  if (state.unschedulable != number) return;
  WorkerEntry& worker = *state.pool.Find(number);
  // The daemon may have tried to close it without having been asked.
  if (worker.lease == LeaseState::kHeld) Move(worker, LeaseState::kInFlight);
  state.changed = true;
}

bool ReclaimForOthers(SchedulerState& state) {
  if (state.unschedulable == kNoWorker) return false;
  const WorkerEntry& worker = *state.pool.Find(state.unschedulable);
  if (worker.lease != LeaseState::kHeld) return false;
  const bool tasks_wait = state.queue.size() > 0;
  const ActorEntry* actor = ActorOf(worker);
  const bool calls_wait = actor != nullptr && actor->state == ActorState::kAlive &&
                          worker.state != WorkerState::kEnding && !actor->turns.empty();
  if (tasks_wait || calls_wait) state.outbox.push_back(ReclaimWorker{worker.number});
  return tasks_wait;
}

Status GiveDirectly(SchedulerState& state, TaskSpec spec, WorkerEntry& worker, uint32_t sequence,
                    const CallerId& caller) {
  const bool is_for_worker =
      worker.has_actor ? IsForActor(spec, worker) : spec.kind == TaskKind::kFunction;
  const bool fits = is_for_worker && IsDirect(spec);
  if (!fits || worker.IsSchedulable() || sequence != worker.next_sequence ||
      spec.driver != worker.driver) {
    return Refusal(spec, worker, sequence);
  }
  if (!worker.has_actor && !state.shapes.Feasible(spec.resources)) {
    return Refusal(spec, worker, sequence);
  }
  if (worker.lease == LeaseState::kInFlight) Move(worker, LeaseState::kHeld);
  const auto [it, added] = state.tasks.try_emplace(spec.id);
  RAYX_CHECK(added);
  TaskEntry& task = it->second;
  task.spec = std::move(spec);
  task.MoveTo(Ready{});
  if (worker.has_actor) {
    task.actor = ActorOf(worker);
    task.caller = caller;
    HoldCall(state, worker, task);
    return Status::Ok();
  }
  task.scheduling_class =
      state.queue.FindClass(task.spec.driver, task.spec.resources, {task.spec.options.priority});
  ++task.scheduling_class->task_count;
  state.queue.StampArrival(task);
  Hold(state, worker, task, kTimeUnknown);
  state.changed = true;
  return Status::Ok();
}

}  // namespace rayx::scheduler
