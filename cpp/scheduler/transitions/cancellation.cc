#include "scheduler/transitions/cancellation.h"

#include <deque>
#include <string>
#include <vector>

#include "scheduler/transitions/actor_lifecycle.h"
#include "scheduler/transitions/assignment.h"
#include "scheduler/transitions/task_outcome.h"

namespace rayx::scheduler {
namespace {

bool IsKnownToHaveBegun(const WorkerEntry& worker, const TaskEntry& task) {
  const bool is_blocked =
      worker.gave_back_cpu && !worker.has_actor && worker.held.front().task == &task;
  // What others give it is begun as soon as it is there; and of what another node has, that node
  // knows.
  return is_blocked || !worker.IsSchedulable() || worker.is_elsewhere ||
         task.assigned().sequence < worker.begun_below;
}

void Interrupt(SchedulerState& state, WorkerEntry& worker, TaskEntry& task) {
  Interruption& interruption = task.interruption;
  if (interruption.force && !worker.has_actor) return EndWorker(state, worker, true);
  if (interruption.sent) return;
  interruption.sent = true;
  state.outbox.push_back(
      InterruptTask{worker.number, task.spec.id, task.assigned().sequence, interruption.reason});
  if (!worker.is_elsewhere) state.interrupts.Watch(task);
}

void StopHeld(SchedulerState& state, TaskEntry& task) {
  WorkerEntry& worker = *state.pool.Find(task.assigned().worker);
  // It is settled when the worker is gone.
  if (worker.state == WorkerState::kEnding) return;
  if (IsKnownToHaveBegun(worker, task)) {
    Interrupt(state, worker, task);
  } else if (!worker.revoking) {
    Revoke(state, worker);
  }
}

// The task was interrupted, and has not stopped in time.
void GiveUpOn(SchedulerState& state, TaskEntry& task) {
  if (task.IsCall()) {
    // The actor is worth more than one of its calls: that runs on, for nobody.
    const InterruptReason reason = task.interruption.reason;
    FailResults(state, task, CodeOf(reason),
                TaskLabel(task.spec) + " " + InterruptText(task.spec, reason) +
                    "; it does not stop and runs on in its actor.");
    return;
  }
  state.changed = true;
  EndWorker(state, *state.pool.Find(task.assigned().worker), true);
}

}  // namespace

void StopTask(SchedulerState& state, TaskEntry& task, InterruptReason reason, bool force) {
  state.changed = true;
  if (task.IsCreation()) {
    if (task.actor->made && reason == InterruptReason::kCancelled) return;  // it has ended
    EndActor(state, *task.actor,
             {"its creation " + InterruptText(task.spec, reason), CodeOf(reason), true});
    return;
  }
  if (task.failed) return;
  Interruption& interruption = task.interruption;
  if (!interruption.wanted) interruption.reason = reason;
  interruption.wanted = true;
  interruption.force = interruption.force || force;
  if (task.state() == TaskState::kAssigned) return StopHeld(state, task);
  TakeQueued(state, task);
  FailInterrupted(state, task);
}

void StopAllOf(SchedulerState& state, const DriverId& driver, bool force) {
  state.changed = true;
  // Taken out of where they wait all together: to look for each there would take a time that grows
  // with the square of their number.
  std::vector<TaskEntry*> queued;
  const auto take = [&queued](const std::vector<TaskEntry*>& tasks) {
    queued.insert(queued.end(), tasks.begin(), tasks.end());
  };
  const auto queue = state.queue.drivers().find(driver);
  if (queue != state.queue.drivers().end()) {
    for (const auto& scheduling_class : queue->second->all) {
      if (scheduling_class->kind().creations) continue;
      state.heads.Forget(*scheduling_class);
      take(state.queue.TakeAll(*scheduling_class));
    }
  }
  for (TaskEntry* task : state.dependencies.RemoveIf([&driver](const TaskEntry& one) {
         return one.spec.driver == driver && !one.IsCreation();
       })) {
    if (!task->IsCall()) queued.push_back(task);
  }
  for (ActorEntry* actor : state.actors.OfDriver(driver)) take(ActorTable::TakeAllCalls(*actor));
  for (TaskEntry* task : queued) {
    task->interruption.wanted = true;
    task->interruption.reason = InterruptReason::kCancelled;
    FailInterrupted(state, *task);
  }
  for (WorkerEntry* worker : state.pool.BoundTo(driver)) {
    const std::deque<HeldTask> held = worker->held;
    for (const HeldTask& one : held) {
      if (!one.task->IsCreation()) StopTask(state, *one.task, InterruptReason::kCancelled, force);
    }
  }
}

void InterruptBegun(SchedulerState& state, WorkerEntry& worker) {
  for (const HeldTask& held : worker.held) {
    const Interruption& interruption = held.task->interruption;
    if (interruption.wanted && !interruption.sent) Interrupt(state, worker, *held.task);
  }
}

void OnTimeUp(SchedulerState& state, int64_t now_ms) {
  for (TaskEntry* task : state.interrupts.TakeDue(now_ms, state.tasks)) {
    if (task->interruption.sent) {
      GiveUpOn(state, *task);
    } else {
      StopTask(state, *task, InterruptReason::kTimedOut, false);
    }
  }
}

}  // namespace rayx::scheduler
