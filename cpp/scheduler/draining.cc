#include "scheduler/draining.h"

#include "scheduler/state/scheduler_state.h"
#include "scheduler/transitions/actor_lifecycle.h"
#include "scheduler/transitions/task_outcome.h"

namespace rayx::scheduler {
namespace {

// Nobody has seen anything of it here.
bool MayGoBack(const TaskEntry& task) {
  if (task.scheduling_class == nullptr || !task.scheduling_class->kind().placed) return false;
  if (task.IsCreation()) return !task.actor->made && task.actor->callers.empty();
  return task.attempt == 0 && task.results_made == 0 && !task.has_items && !task.failed &&
         !task.interruption.wanted;
}

void EndUnmade(SchedulerState& state, ActorEntry& actor) {
  // Nothing here is to say why it was not made.
  actor.unreferenced = true;
  EndActor(state, actor, {.cause = "its node is drained"});
}

}  // namespace

bool Draining::GiveBack(const TaskId& id) {
  SchedulerState& state = *state_;
  const auto it = state.tasks.find(id);
  TaskEntry* const task = it == state.tasks.end() ? nullptr : &it->second;
  if (task == nullptr || task->state() == TaskState::kAssigned || !MayGoBack(*task)) return false;
  if (task->IsCreation()) {
    EndUnmade(state, *task->actor);
  } else {
    TakeQueued(state, *task);
    EndTask(state, *task, true);
  }
  state.changed = true;
  return true;
}

bool Draining::LetGo(const TaskId& id) {
  SchedulerState& state = *state_;
  ActorEntry* const actor = state.actors.Find(id);
  if (actor == nullptr || actor->state == ActorState::kDead || !actor->callers.empty()) {
    return false;
  }
  const TaskEntry& creation = *actor->creation;
  if (creation.state() != TaskState::kAssigned) {
    EndUnmade(state, *actor);
    return true;
  }
  if (actor->state != ActorState::kAlive) return false;
  if (state.pool.Find(creation.assigned().worker)->prefetched() > 0) return false;
  actor->unreferenced = true;
  EndActor(state, *actor, {.cause = "it moves to another node, since its node is drained"});
  return true;
}

}  // namespace rayx::scheduler
