#include "scheduler/transitions/task_outcome.h"

#include <utility>

#include "scheduler/resources/gpu_slots.h"

namespace rayx::scheduler {
namespace {

// A table that a burst has left nearly empty gives its memory back, except for a small one.
constexpr size_t kTaskBucketsKept = 4096;

std::string Times(uint32_t count) { return count == 1 ? "once" : std::to_string(count) + " times"; }

}  // namespace

std::string TaskLabel(const TaskSpec& spec) { return spec.name + " (task " + spec.id.Hex() + ")"; }

void PushFailure(SchedulerState& state, const TaskSpec& spec, SystemErrorCode code,
                 std::string text, const ObjectId& like) {
  state.outbox.push_back(
      FailTask{spec.id, spec.driver, spec.name, spec.return_count, code, std::move(text), like});
}

void PushFailure(SchedulerState& state, const TaskEntry& task, SystemErrorCode code,
                 std::string text, const ObjectId& like) {
  PushFailure(state, task.spec, code, std::move(text), like);
  std::get<FailTask>(state.outbox.back()).has_results = task.HasAllResults();
}

void FailResults(SchedulerState& state, TaskEntry& task, SystemErrorCode code, std::string text) {
  RAYX_CHECK(!task.failed);
  task.failed = true;
  PushFailure(state, task, code, std::move(text));
}

void EndTask(SchedulerState& state, TaskEntry& task, bool failed_by_system) {
  if (task.scheduling_class != nullptr) --task.scheduling_class->task_count;
  state.interrupts.Forget(task);
  ActorEntry* actor = task.IsCreation() ? task.actor : nullptr;
  const auto it = state.tasks.find(task.spec.id);
  state.outbox.push_back(TaskEnded{std::move(task.spec), failed_by_system});
  state.tasks.erase(it);
  if (state.tasks.bucket_count() > kTaskBucketsKept &&
      state.tasks.size() * 8 < state.tasks.bucket_count()) {
    state.tasks.rehash(state.tasks.size() * 2);
  }
  if (actor == nullptr) return;
  const TaskId id = actor->id;
  if (state.actors.OnCreationEnded(*actor)) state.outbox.push_back(ActorChanged{id});
}

void FailAndEnd(SchedulerState& state, TaskEntry& task, SystemErrorCode code, std::string text) {
  if (!task.failed) PushFailure(state, task, code, std::move(text));
  EndTask(state, task, task.failed || !task.HasAllResults());
}

std::string InfeasibleText(const SchedulerState& state, const TaskSpec& spec) {
  if (!GpuSlots::IsServable(spec.resources.Get(kGpu).units())) {
    return TaskLabel(spec) + " asks for " + spec.resources.Get(kGpu).ToString() +
           " GPUs. Up to one it may have a part of a GPU, but more than one must be a whole "
           "number.";
  }
  return TaskLabel(spec) + " asks for " + spec.resources.ToString() + ", but node " +
         state.options.node_name + " has " + state.options.total.ToString() +
         " in all, so it can never run. Ask for less, or give more to rayx.init (num_cpus, "
         "num_gpus, "
         "resources).";
}

void RefuseInfeasible(SchedulerState& state, TaskSpec spec) {
  PushFailure(state, spec, SystemErrorCode::kInfeasible, InfeasibleText(state, spec));
  state.outbox.push_back(TaskEnded{std::move(spec), true});
}

void Requeue(SchedulerState& state, std::span<TaskEntry* const> tasks) {
  for (TaskEntry* task : tasks) {
    state.interrupts.Forget(*task);
    task->MoveTo(Ready{});
    if (task->scheduling_class->kind().elsewhere) {
      state.for_elsewhere.push_back(task);
    } else {
      state.queue.PutBack(*task);
    }
  }
}

void RetryOrFail(SchedulerState& state, TaskEntry& task, const WorkerEnd& end) {
  const int32_t retries = task.spec.options.max_retries;
  const bool may_retry = retries < 0 || task.attempt < static_cast<uint32_t>(retries);
  if (may_retry && !task.has_items && !task.HasAllResults()) {
    ++task.attempt;
    task.results_made = 0;
    ++state.tasks_retried;
    TaskEntry* const one = &task;
    Requeue(state, {&one, 1});
    return;
  }
  if (task.has_items) {
    return FailAndEnd(state, task, SystemErrorCode::kWorkerCrashed,
                      TaskLabel(task.spec) + " had yielded items on node " +
                          state.options.node_name +
                          " when its worker died, so it is not tried again: " + end.description);
  }
  const bool was_retried = task.attempt > 0;
  FailAndEnd(state, task, SystemErrorCode::kWorkerCrashed,
             TaskLabel(task.spec) + " was begun " + Times(task.attempt + 1) + " on node " +
                 state.options.node_name + ", and " + (was_retried ? "each time " : "") +
                 "its worker died (max_retries=" + std::to_string(retries) +
                 (was_retried ? "). The last one: " : "): ") + end.description);
}

SystemErrorCode CodeOf(InterruptReason reason) {
  return reason == InterruptReason::kTimedOut ? SystemErrorCode::kTaskTimedOut
                                              : SystemErrorCode::kTaskCancelled;
}

std::string InterruptText(const TaskSpec& spec, InterruptReason reason) {
  if (reason == InterruptReason::kCancelled) return "was cancelled by rayx.cancel";
  return "ran for longer than its time-out of " + std::to_string(spec.options.timeout_ms) + " ms";
}

void TakeQueued(SchedulerState& state, TaskEntry& task) {
  if (task.state() == TaskState::kWaitingArgs) state.dependencies.Remove(task);
  if (task.IsCall()) return state.actors.RemoveCall(task);
  if (task.state() != TaskState::kReady) return;
  if (task.scheduling_class->kind().elsewhere) {
    std::erase(state.for_elsewhere, &task);
    return;
  }
  // The task that waits is the head of a scheduling class.
  if (task.scheduling_class->Head() == &task) state.heads.Forget(*task.scheduling_class);
  state.queue.Remove(task);
}

void FailInterrupted(SchedulerState& state, TaskEntry& task) {
  const InterruptReason reason = task.interruption.reason;
  FailAndEnd(state, task, CodeOf(reason),
             TaskLabel(task.spec) + " " + InterruptText(task.spec, reason) + ".");
}

}  // namespace rayx::scheduler
