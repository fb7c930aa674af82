#include "scheduler/transitions/admission.h"

#include <utility>

#include "scheduler/transitions/actor_lifecycle.h"
#include "scheduler/transitions/elsewhere.h"

namespace rayx::scheduler {

void AddTask(SchedulerState& state, TaskSpec spec, std::span<const ObjectId> missing,
             const AdmittedAs& as) {
  const auto [it, added] = state.tasks.try_emplace(spec.id);
  if (!added) return;
  TaskEntry& task = it->second;
  task.spec = std::move(spec);
  if (as.elsewhere) {
    ClassifyForElsewhere(state, task);
  } else {
    task.scheduling_class = state.queue.FindClass(
        task.spec.driver, task.spec.resources,
        {.priority = task.spec.options.priority, .creations = as.creation, .placed = as.placed});
    ++task.scheduling_class->task_count;
  }
  if (as.creation) AddActor(state, task);
  task.depth = as.depth;
  if (!missing.empty()) {
    state.dependencies.Add(task, missing);
    return;
  }
  task.MoveTo(Ready{});
  PushReady(state, task);
}

}  // namespace rayx::scheduler
