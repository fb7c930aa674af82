#include "scheduler/transitions/direct_line.h"

#include <utility>

#include "common/base/check.h"
#include "common/protocol/direct_call.h"
#include "scheduler/transitions/assignment.h"

namespace rayx::scheduler {
namespace {

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

bool OpenLine(SchedulerState& state, WorkerNumber number) {
  WorkerEntry* worker = state.pool.Find(number);
  if (state.lined != kNoWorker || worker == nullptr || !worker->IsBound()) return false;
  if (worker->state == WorkerState::kEnding || worker->revoking) return false;
  const bool runs_nothing = worker->has_actor ? worker->prefetched() == 0 : worker->held.empty();
  if (!runs_nothing) return false;
  if (worker->has_actor) {
    const ActorEntry* actor = ActorOf(*worker);
    const bool one_by_one = actor != nullptr && actor->max_concurrency == 1;
    if (!one_by_one || actor->state != ActorState::kAlive) return false;
  }
  worker->lined = true;
  state.lined = number;
  state.line_in_use = false;
  return true;
}

void EndLine(SchedulerState& state, WorkerNumber number) {
  if (number == kNoWorker || state.lined != number) return;
  state.lined = kNoWorker;
  state.changed = true;
  WorkerEntry* worker = state.pool.Find(number);
  if (worker == nullptr) return;
  worker->lined = false;
  if (ActorEntry* actor = ActorOf(*worker)) state.actors.List(*actor);
}

void KeepLine(SchedulerState& state, WorkerNumber number) {
  if (state.lined != number) return;
  state.line_in_use = true;
  state.changed = true;
}

bool CloseForOthers(SchedulerState& state) {
  if (state.lined == kNoWorker || state.line_in_use || state.queue.size() == 0) return false;
  state.outbox.push_back(CloseLine{state.lined});
  return true;
}

Status GiveDirectly(SchedulerState& state, TaskSpec spec, WorkerEntry& worker, uint32_t sequence,
                    const CallerId& caller) {
  const bool is_for_worker =
      worker.has_actor ? IsForActor(spec, worker) : spec.kind == TaskKind::kFunction;
  const bool fits = is_for_worker && IsDirect(spec);
  if (!fits || !worker.lined || sequence != worker.next_sequence || spec.driver != worker.driver) {
    return Refusal(spec, worker, sequence);
  }
  if (!worker.has_actor && !state.shapes.Feasible(spec.resources)) {
    return Refusal(spec, worker, sequence);
  }
  state.line_in_use = false;
  const auto [it, added] = state.tasks.try_emplace(spec.id);
  RAYX_CHECK(added);
  TaskEntry& task = it->second;
  task.spec = std::move(spec);
  task.MoveTo(Ready{});
  if (worker.has_actor) {
    task.actor = ActorOf(worker);
    task.caller = caller;
    HoldCall(state, worker, task);
    if (!task.actor->turns.empty()) state.actors.List(*task.actor);
    return Status::Ok();
  }
  task.scheduling_class =
      state.queue.FindClass(task.spec.driver, task.spec.resources, {task.spec.priority});
  ++task.scheduling_class->task_count;
  state.queue.StampArrival(task);
  Hold(state, worker, task, kTimeUnknown);
  state.changed = true;
  return Status::Ok();
}

}  // namespace rayx::scheduler
