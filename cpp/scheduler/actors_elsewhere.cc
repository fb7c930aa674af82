#include "scheduler/actors_elsewhere.h"

#include <utility>
#include <vector>

#include "scheduler/state/scheduler_state.h"
#include "scheduler/transitions/actor_lifecycle.h"
#include "scheduler/transitions/admission.h"
#include "scheduler/transitions/elsewhere.h"

namespace rayx::scheduler {

void ActorsElsewhere::OnSubmitted(TaskSpec creation, std::span<const ObjectId> missing) {
  SchedulerState& state = *state_;
  if (state.gone_drivers.contains(creation.driver)) {
    state.outbox.push_back(TaskEnded{std::move(creation), true});
    return;
  }
  if (RefuseCreation(state, creation, /*here=*/false)) return;
  AddTask(state, std::move(creation), missing, {.creation = true, .elsewhere = true});
}

void ActorsElsewhere::OnPlacedHere(const TaskId& actor, const Missing& missing) {
  MoveHere(*state_, *state_->actors.Find(actor), missing);
}

void ActorsElsewhere::OnRestarted(const TaskId& actor, uint32_t times) {
  ActorEntry* const entry = state_->actors.Find(actor);
  if (entry == nullptr || entry->creation == nullptr || times == 0) return;
  entry->creation->attempt += times;
  entry->restarts += times;
  state_->tasks_retried += times;
  state_->outbox.push_back(ActorChanged{actor});
}

void ActorsElsewhere::OnEnded(const TaskId& actor, const std::string& cause, SystemErrorCode code,
                              bool has_error) {
  ActorEntry* const entry = state_->actors.Find(actor);
  if (entry == nullptr || entry->state == ActorState::kDead) return;
  if (has_error && !entry->made) entry->object_has_error = true;
  EndActor(*state_, *entry, {.cause = cause, .code = code, .kill = true});
}

void ActorsElsewhere::OnValueElsewhere(const ObjectId& id) {
  if (!state_->dependencies.IsMissing(id)) return;
  std::vector<TaskEntry*> ready;
  const auto is_elsewhere = [this](const TaskEntry& task) {
    if (task.IsCreation()) return task.scheduling_class->kind().elsewhere;
    return task.IsCall() && StandInOf(*state_, task.actor->id) != nullptr;
  };
  state_->dependencies.OnAvailableFor(id, is_elsewhere, ready);
  for (TaskEntry* task : ready) {
    task->MoveTo(Ready{});
    task->IsCall() ? state_->actors.OnCallReady(*task) : PushReady(*state_, *task);
  }
}

bool ActorsElsewhere::IsElsewhere(WorkerNumber worker) const {
  const WorkerEntry* const entry = state_->pool.Find(worker);
  return entry != nullptr && entry->is_elsewhere;
}

bool ActorsElsewhere::HasActorElsewhere(const TaskId& actor) const {
  return StandInOf(*state_, actor) != nullptr;
}

bool ActorsElsewhere::MayMove(const TaskId& actor) const {
  const ActorEntry* const entry = state_->actors.Find(actor);
  return entry != nullptr && entry->state == ActorState::kAlive && HasRestarts(*entry->creation);
}

const CallerId& ActorsElsewhere::CallerOf(const TaskId& call) const {
  return state_->tasks.at(call).caller;
}

}  // namespace rayx::scheduler
