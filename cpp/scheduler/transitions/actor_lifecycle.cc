#include "scheduler/transitions/actor_lifecycle.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/check.h"
#include "common/base/flight_log.h"
#include "common/base/limits.h"
#include "scheduler/transitions/assignment.h"
#include "scheduler/transitions/task_outcome.h"

namespace rayx::scheduler {
namespace {

// A bit of a claim word (common/shm/claim_word.h) is not for numbers.
constexpr uint32_t kCallsMax = (1u << 31) - 1;

std::string ActorLabel(const ActorEntry& actor) {
  return "actor " + actor.class_name + " (" + actor.id.Hex() + ")";
}

void Change(SchedulerState& state, ActorEntry& actor, ActorState next) {
  state.actors.Move(actor, next);
  state.outbox.push_back(ActorChanged{actor.id});
}

void ForgetIfUnused(SchedulerState& state, ActorEntry& actor) {
  const TaskId id = actor.id;
  if (state.actors.ForgetIfUnused(actor)) state.outbox.push_back(ActorChanged{id});
}

// An actor whose creation is never admitted, so that its calls say why.
void AddDeadActor(SchedulerState& state, const TaskSpec& spec, SystemErrorCode code,
                  std::string cause) {
  ActorEntry& actor = state.actors.Add(spec);
  actor.object_has_error = true;
  actor.cause = std::move(cause);
  actor.cause_code = code;
  Change(state, actor, ActorState::kDead);
}

std::string CallText(const TaskSpec& call, const ActorEntry& actor) {
  return TaskLabel(call) + " failed: " + ActorLabel(actor) + " is dead: " + actor.cause;
}
ObjectId ErrorOf(const ActorEntry& actor) {
  return actor.object_has_error ? ObjectId::ForReturn(actor.id, 0) : ObjectId();
}

void FailCall(SchedulerState& state, const ActorEntry& actor, TaskEntry& call) {
  if (!call.failed) {
    PushFailure(state, call, actor.cause_code, CallText(call.spec, actor), ErrorOf(actor));
  }
  EndTask(state, call, call.failed || !call.HasAllResults());
}

void FailQueuedCalls(SchedulerState& state, ActorEntry& actor) {
  for (TaskEntry* call : ActorTable::TakeAllCalls(actor)) {
    if (call->state() == TaskState::kWaitingArgs) state.dependencies.Remove(*call);
    FailCall(state, actor, *call);
  }
}

// What the creation keeps alive is not needed for another one.
void ReleaseInputsOf(SchedulerState& state, TaskEntry& creation) {
  ReleaseInputs release;
  release.ids = std::exchange(creation.spec.dependencies, {});
  const std::vector<ObjectId> contained = std::exchange(creation.spec.contained, {});
  release.ids.insert(release.ids.end(), contained.begin(), contained.end());
  if (!release.ids.empty()) state.outbox.push_back(std::move(release));
}

Status NotRun(const WorkerEntry& worker, const TaskId& id, uint32_t sequence) {
  // It was told to end, and its calls have failed: what it says of them does not matter.
  if (worker.state == WorkerState::kEnding) return Status::Ok();
  return Status::InvalidArgument("worker " + worker.number.ToString() + " says it finished task " +
                                 id.Hex() + " as number " + std::to_string(sequence) +
                                 ", which it does not run");
}

void FinishCreation(SchedulerState& state, WorkerEntry& worker, bool failed) {
  TaskEntry& creation = *worker.held.front().task;
  ActorEntry& actor = *creation.actor;
  ++state.tasks_finished;
  state.interrupts.Forget(creation);
  if (worker.state == WorkerState::kBlocked) UnblockWorker(state, worker);
  if (failed) {
    actor.object_has_error = !actor.made;
    EndActor(state, actor,
             {.cause = actor.made ? "its __init__ raised when it was made again"
                                  : "its __init__ raised"});
    return;
  }
  actor.made = true;
  Change(state, actor, ActorState::kAlive);
  if (!HasRestarts(creation)) ReleaseInputsOf(state, creation);
  state.actors.List(actor);
  if (actor.unreferenced) Unreference(state, actor);
}

// How many calls the worker should hold beyond those that may run.
size_t CallPrefetchLimit(const SchedulerState& state, const ActorEntry& actor,
                         const WorkerEntry& worker) {
  // As many as are on their way at the rates that there are.
  if (worker.is_elsewhere) return limits::kCallsPrefetchedMax;
  const size_t depth = state.pipeline.depth();
  if (depth == 0) return 0;
  const size_t ended = actor.held_calls - std::min(actor.held_calls, worker.prefetched());
  return std::clamp(ended * limits::kCallsPrefetchedFactor, depth, limits::kCallsPrefetchedMax);
}

void HandOutCallsOf(SchedulerState& state, ActorEntry& actor) {
  if (actor.state != ActorState::kAlive) return;
  WorkerEntry& worker = *state.pool.Find(actor.creation->assigned().worker);
  if (worker.revoking || worker.state == WorkerState::kEnding) return;
  // The actor is listed again when it is.
  if (!worker.IsSchedulable()) return;
  const size_t most = actor.max_concurrency + CallPrefetchLimit(state, actor, worker);
  actor.held_calls = worker.prefetched();
  while (worker.prefetched() < most) {
    if (worker.next_sequence >= kCallsMax) {
      EndActor(state, actor, {.cause = "it was given as many calls as can be numbered"});
      return;
    }
    TaskEntry* call = ActorTable::TakeCall(actor);
    if (call == nullptr) return;
    AssignCall(state, worker, *call);
    actor.held_calls = worker.prefetched();
  }
}

// Its creation, which has no place in the world any more, ends.
void DropCreation(SchedulerState& state, TaskEntry& creation) {
  const bool made = creation.actor->made;
  TakeQueued(state, creation);
  EndTask(state, creation, !made);
}

// What becomes of the calls that a gone worker held.
void SettleCalls(SchedulerState& state, const std::vector<HeldTask>& held,
                 const std::vector<bool>& begun, const WorkerEnd& end) {
  std::vector<TaskEntry*> not_begun;
  for (size_t i = 1; i < held.size(); ++i) {
    TaskEntry& call = *held[i].task;
    if (call.failed) {
      EndTask(state, call, true);
    } else if (call.interruption.wanted) {
      FailInterrupted(state, call);
    } else if (begun[i]) {
      FailAndEnd(state, call, SystemErrorCode::kActorDied,
                 TaskLabel(call.spec) + " was running when the worker of " +
                     ActorLabel(*call.actor) + " died: " + end.description);
    } else {
      not_begun.push_back(&call);
    }
  }
  PutBackCalls(state, not_begun);
}

}  // namespace

// Restarts are retries of the creation.
bool HasRestarts(const TaskEntry& creation) {
  const int32_t most = creation.spec.options.max_retries;
  return most < 0 || creation.attempt < static_cast<uint32_t>(most);
}

bool RefuseCreation(SchedulerState& state, TaskSpec& spec, bool here) {
  if (state.tasks.contains(spec.id) || state.actors.Find(spec.id) != nullptr) return true;
  if (here && !state.shapes.Feasible(spec.resources)) {
    AddDeadActor(state, spec, SystemErrorCode::kInfeasible, InfeasibleText(state, spec));
    RefuseInfeasible(state, std::move(spec));
    return true;
  }
  if (spec.actor_name.empty()) return false;
  const ActorEntry* other = state.actors.FindNamed(spec.driver, spec.actor_name);
  if (other == nullptr) return false;
  const std::string cause =
      "the name \"" + spec.actor_name + "\" is taken by " + ActorLabel(*other);
  AddDeadActor(state, spec, SystemErrorCode::kActorDied, cause);
  PushFailure(state, spec, SystemErrorCode::kActorDied,
              TaskLabel(spec) + " could not make an actor: " + cause);
  state.outbox.push_back(TaskEnded{std::move(spec), true});
  return true;
}

void AddActor(SchedulerState& state, TaskEntry& creation) {
  creation.actor = &state.actors.Add(creation.spec);
  creation.actor->creation = &creation;
  state.outbox.push_back(ActorChanged{creation.spec.id});
}

TaskEntry* SubmitCall(SchedulerState& state, TaskSpec spec, std::span<const ObjectId> missing,
                      const CallerId& caller) {
  ActorEntry* actor = state.actors.Find(spec.actor);
  if (actor == nullptr || actor->driver != spec.driver) {
    PushFailure(state, spec, SystemErrorCode::kActorDied,
                TaskLabel(spec) + " failed: its actor (" + spec.actor.Hex() +
                    ") is not known to node " + state.options.node_name +
                    " (any more): it is dead and forgotten, or belongs to another driver.");
    state.outbox.push_back(TaskEnded{std::move(spec), true});
    return nullptr;
  }
  if (actor->state == ActorState::kDead) {
    if (state.tasks.contains(spec.id)) return nullptr;
    PushFailure(state, spec, actor->cause_code, CallText(spec, *actor), ErrorOf(*actor));
    state.outbox.push_back(TaskEnded{std::move(spec), true});
    return nullptr;
  }
  const auto [it, added] = state.tasks.try_emplace(spec.id);
  if (!added) return nullptr;
  TaskEntry& call = it->second;
  call.spec = std::move(spec);
  call.actor = actor;
  call.caller = caller;
  if (missing.empty()) {
    call.MoveTo(Ready{});
  } else {
    state.dependencies.Add(call, missing);
  }
  state.actors.PushCall(call);
  return &call;
}

Status FinishOfActor(SchedulerState& state, WorkerEntry& worker, const TaskId& id,
                     uint32_t sequence, bool failed) {
  const size_t index = worker.IndexOf(sequence);
  if (index == worker.held.size() || worker.held[index].task->spec.id != id) {
    return NotRun(worker, id, sequence);
  }
  TaskEntry& task = *worker.held[index].task;
  if (task.IsCreation()) {
    const ActorState is = task.actor->state;
    const bool waited_for = is == ActorState::kPending || is == ActorState::kRestarting;
    if (!waited_for) return NotRun(worker, id, sequence);
    FinishCreation(state, worker, failed);
    return Status::Ok();
  }
  ActorEntry& actor = *task.actor;
  TakeFinishedCall(state, worker, sequence);
  ++state.tasks_finished;
  // A thread of the call may still be in get; the call itself is over.
  const bool none_runs = worker.prefetched() == 0 || actor.max_concurrency == 1;
  if (none_runs && worker.state == WorkerState::kBlocked) UnblockWorker(state, worker);
  EndTask(state, task, task.failed);
  if (!actor.turns.empty()) state.actors.List(actor);
  return Status::Ok();
}

void HandOutCalls(SchedulerState& state) {
  for (ActorEntry* actor : state.actors.TakeListed()) HandOutCallsOf(state, *actor);
}

void PutBackCalls(SchedulerState& state, std::span<TaskEntry* const> calls) {
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    state.interrupts.Forget(**call);
    (*call)->MoveTo(Ready{});
    state.actors.PutBackCall(**call);
  }
}

void EndActor(SchedulerState& state, ActorEntry& actor, ActorEnd end) {
  TaskEntry* creation = actor.creation;
  const bool is_held = creation != nullptr && creation->state() == TaskState::kAssigned;
  WorkerEntry* worker = is_held ? state.pool.Find(creation->assigned().worker) : nullptr;
  state.changed = true;
  if (actor.state == ActorState::kDead) {
    if (worker != nullptr && end.kill) EndWorker(state, *worker, true);
    return;
  }
  FlightLog::Note(ActorLabel(actor) + " is dead: " + end.cause);
  actor.cause = std::move(end.cause);
  actor.cause_code = end.code;
  Change(state, actor, ActorState::kDead);
  if (!actor.made && !actor.object_has_error && !actor.unreferenced) {
    FailResults(state, *creation, end.code,
                TaskLabel(creation->spec) + " did not make its actor: " + actor.cause);
    actor.object_has_error = true;
  }
  if (worker != nullptr) {
    state.interrupts.Forget(*creation);
    // One that is killed may have ended calls of which only their caller knows yet.
    // They are settled when all that it has sent has been heard.
    if (!end.kill) {
      for (TaskEntry* call : TakeCalls(state, *worker, 0)) FailCall(state, actor, *call);
    }
    EndWorker(state, *worker, end.kill);
    FailQueuedCalls(state, actor);
    return;
  }
  FailQueuedCalls(state, actor);
  DropCreation(state, *creation);
}

void Unreference(SchedulerState& state, ActorEntry& actor) {
  actor.unreferenced = true;
  if (actor.state == ActorState::kDead) return ForgetIfUnused(state, actor);
  // Made for its side effects, perhaps: if it can be made, it is.
  const bool is_waiting = actor.creation->state() == TaskState::kWaitingArgs;
  if (actor.state == ActorState::kPending && !is_waiting) return;
  EndActor(state, actor, {.cause = "nobody refers to it any more"});
}

void LetActorEnd(SchedulerState& state, WorkerEntry& worker) {
  ActorEntry& actor = *worker.held.front().task->actor;
  if (actor.state != ActorState::kAlive) return;
  for (TaskEntry* call : ActorTable::TakeAllCalls(actor)) {
    if (call->state() == TaskState::kWaitingArgs) state.dependencies.Remove(*call);
    EndTask(state, *call, true);
  }
  EndActor(state, actor, {.cause = "its driver ends"});
}

void SettleActor(SchedulerState& state, const std::vector<HeldTask>& held,
                 const std::vector<bool>& begun, const WorkerEnd& end) {
  TaskEntry& creation = *held.front().task;
  ActorEntry& actor = *creation.actor;
  if (actor.state == ActorState::kDead) {
    const bool nobody_asks = state.gone_drivers.contains(actor.driver);
    for (size_t i = 1; i < held.size(); ++i) {
      nobody_asks ? EndTask(state, *held[i].task, true) : FailCall(state, actor, *held[i].task);
    }
    EndTask(state, creation, !actor.made);
    return;
  }
  SettleCalls(state, held, begun, end);
  const bool was_alive = actor.state == ActorState::kAlive;
  const bool is_death = was_alive || begun.front();
  TaskEntry* const one = &creation;
  Requeue(state, {&one, 1});
  if (!is_death) return;
  if (end.is_moved) {
    if (was_alive) Change(state, actor, ActorState::kRestarting);
    return;
  }
  if (!HasRestarts(creation)) {
    actor.crash = end.description;
    EndActor(
        state, actor,
        {.cause = std::string("its worker died") + (was_alive ? "" : " while it was made") +
                  ", and it may not be made again (max_restarts=" +
                  std::to_string(creation.spec.options.max_retries) + "): " + end.description});
    return;
  }
  ++creation.attempt;
  ++actor.restarts;
  ++state.tasks_retried;
  if (was_alive) {
    Change(state, actor, ActorState::kRestarting);
  } else {
    state.outbox.push_back(ActorChanged{actor.id});  // its number of restarts
  }
}

void EndActorsOf(SchedulerState& state, const DriverId& driver) {
  for (ActorEntry* actor : state.actors.OfDriver(driver)) {
    for (TaskEntry* call : ActorTable::TakeAllCalls(*actor)) EndTask(state, *call, true);
    actor->unreferenced = true;
    if (actor->state == ActorState::kDead) {
      ForgetIfUnused(state, *actor);
      continue;
    }
    actor->cause = "its driver is gone";
    Change(state, *actor, ActorState::kDead);
    const TaskEntry* creation = actor->creation;
    if (creation->state() != TaskState::kAssigned) EndTask(state, *actor->creation, true);
  }
}

}  // namespace rayx::scheduler
