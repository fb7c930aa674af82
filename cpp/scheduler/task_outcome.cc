#include "scheduler/task_outcome.h"

#include <utility>

namespace rayx::scheduler {
namespace {

// A table that a burst has left nearly empty gives its memory back, except for a small one.
constexpr size_t kTaskBucketsKept = 4096;

void PushFailure(SchedulerState& state, const TaskSpec& spec, SystemErrorCode code,
                 std::string text) {
  state.outbox.push_back(
      FailTask{spec.id, spec.driver, spec.name, spec.return_count, code, std::move(text)});
}

std::string TaskLabel(const TaskSpec& spec) { return spec.name + " (task " + spec.id.Hex() + ")"; }

std::string Times(uint32_t count) { return count == 1 ? "once" : std::to_string(count) + " times"; }

}  // namespace

void EndTask(SchedulerState& state, TaskEntry& task, bool failed_by_system) {
  --task.lane->task_count;
  const auto it = state.tasks.find(task.spec.id);
  state.outbox.push_back(TaskEnded{std::move(task.spec), failed_by_system});
  state.tasks.erase(it);
  if (state.tasks.bucket_count() > kTaskBucketsKept &&
      state.tasks.size() * 8 < state.tasks.bucket_count()) {
    state.tasks.rehash(state.tasks.size() * 2);
  }
}

void FailAndEnd(SchedulerState& state, TaskEntry& task, SystemErrorCode code, std::string text) {
  PushFailure(state, task.spec, code, std::move(text));
  EndTask(state, task, true);
}

void RefuseInfeasible(SchedulerState& state, TaskSpec spec) {
  PushFailure(state, spec, SystemErrorCode::kInfeasible,
              TaskLabel(spec) + " asks for " + spec.resources.ToString() + ", but node " +
                  state.options.node_name + " has " + state.options.total.ToString() +
                  " in all, so it can never run. Ask for less (num_cpus, num_gpus, resources), or "
                  "start the node with more.");
  state.outbox.push_back(TaskEnded{std::move(spec), true});
}

void Requeue(SchedulerState& state, std::span<TaskEntry* const> tasks) {
  for (TaskEntry* task : tasks) {
    task->MoveTo(Ready{});
    state.queue.PutBack(*task);
  }
}

void RetryOrFail(SchedulerState& state, TaskEntry& task, const WorkerEnd& end) {
  const int32_t retries = task.spec.max_retries;
  if (retries < 0 || task.attempt < static_cast<uint32_t>(retries)) {
    ++task.attempt;
    ++state.tasks_retried;
    TaskEntry* const one = &task;
    Requeue(state, {&one, 1});
    return;
  }
  FailAndEnd(state, task, SystemErrorCode::kWorkerCrashed,
             TaskLabel(task.spec) + " was begun " + Times(task.attempt + 1) + " on node " +
                 state.options.node_name + ", and each time its worker died (max_retries=" +
                 std::to_string(retries) + "). The last one: " + end.description);
}

void FailReadyTasks(SchedulerState& state, Lane& lane) {
  state.heads.Forget(lane);
  for (TaskEntry* task : state.queue.TakeAll(lane)) {
    FailAndEnd(
        state, *task, SystemErrorCode::kWorkerStartFailed,
        TaskLabel(task->spec) + " could not run: node " + state.options.node_name +
            " cannot start workers. The last attempt: " + state.pool.backoff().description());
  }
}

}  // namespace rayx::scheduler
