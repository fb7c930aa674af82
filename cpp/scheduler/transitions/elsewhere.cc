#include "scheduler/transitions/elsewhere.h"

#include <utility>
#include <vector>

#include "common/base/check.h"
#include "scheduler/transitions/assignment.h"
#include "scheduler/transitions/task_outcome.h"

namespace rayx::scheduler {
namespace {

// It is ready, or waits for what is missing.
void WaitHere(SchedulerState& state, TaskEntry& task, const std::vector<ObjectId>& missing) {
  if (task.state() != TaskState::kWaitingArgs && !missing.empty()) task.MoveTo(WaitingArgs{});
  if (!missing.empty()) return state.dependencies.Add(task, missing);
  if (task.state() != TaskState::kReady) task.MoveTo(Ready{});
}

}  // namespace

void PushReady(SchedulerState& state, TaskEntry& task) {
  state.changed = true;
  if (task.scheduling_class->kind().elsewhere) {
    state.for_elsewhere.push_back(&task);
  } else {
    state.queue.Push(task);
  }
}

void ClassifyForElsewhere(SchedulerState& state, TaskEntry& creation) {
  creation.scheduling_class = state.queue.FindClass(creation.spec.driver, ResourceSet(),
                                                    {.priority = creation.spec.options.priority,
                                                     .creations = true,
                                                     .placed = false,
                                                     .elsewhere = true});
  ++creation.scheduling_class->task_count;
}

void MoveElsewhere(SchedulerState& state, TaskEntry& creation) {
  TakeQueued(state, creation);
  --creation.scheduling_class->task_count;
  ClassifyForElsewhere(state, creation);
  PushReady(state, creation);
}

void StandIn(SchedulerState& state, int64_t now_ms) {
  for (TaskEntry* creation : std::exchange(state.for_elsewhere, {})) {
    WorkerEntry& worker = state.pool.Add(&creation->spec.driver);
    Assign(state, worker, *creation, now_ms);
  }
}

void MoveHere(SchedulerState& state, ActorEntry& actor,
              const std::function<std::vector<ObjectId>(const TaskSpec& task)>& missing) {
  WorkerEntry* const worker = StandInOf(state, actor.id);
  RAYX_CHECK(worker != nullptr && worker->prefetched() == 0);
  TaskEntry& creation = *actor.creation;
  RemoveWorker(state, *worker);
  --creation.scheduling_class->task_count;
  creation.scheduling_class = state.queue.FindClass(
      creation.spec.driver, creation.spec.resources,
      {.priority = creation.spec.options.priority, .creations = true, .placed = true});
  ++creation.scheduling_class->task_count;
  WaitHere(state, creation, missing(creation.spec));
  if (creation.state() == TaskState::kReady) PushReady(state, creation);
  for (TaskEntry* call : ActorTable::TakeAllCalls(actor)) {
    if (call->state() == TaskState::kWaitingArgs) state.dependencies.Remove(*call);
    WaitHere(state, *call, missing(call->spec));
    state.actors.PushCall(*call);
  }
}

WorkerEntry* StandInOf(SchedulerState& state, const TaskId& actor) {
  const ActorEntry* const entry = state.actors.Find(actor);
  if (entry == nullptr || entry->creation == nullptr) return nullptr;
  if (entry->creation->state() != TaskState::kAssigned) return nullptr;
  WorkerEntry* const worker = state.pool.Find(entry->creation->assigned().worker);
  return worker->is_elsewhere ? worker : nullptr;
}

}  // namespace rayx::scheduler
