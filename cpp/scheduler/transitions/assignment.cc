#include "scheduler/transitions/assignment.h"

#include <algorithm>

#include "common/base/check.h"

namespace rayx::scheduler {
namespace {

void GiveBackCpu(SchedulerState& state, WorkerEntry& worker) {
  const Shape& shape = worker.scheduling_class->shape();
  worker.gave_back_cpu = true;
  if (worker.has_actor) {
    state.ledger.GiveBackCpu(shape);
    return;
  }
  state.ledger.Block(shape);
  worker.scheduling_class->OnBlocked(worker.held.front().task->depth);
}

void TakeCpuAgain(SchedulerState& state, WorkerEntry& worker) {
  const Shape& shape = worker.scheduling_class->shape();
  worker.gave_back_cpu = false;
  if (worker.has_actor) {
    state.ledger.TakeCpuAgain(shape);
    return;
  }
  state.ledger.Unblock(shape);
  worker.scheduling_class->OnUnblocked();
}

// A time-out counts from when the task is at the front; of the calls of an actor, so many are.
void WatchTimeout(SchedulerState& state, WorkerEntry& worker, size_t index) {
  // Its node does.
  if (worker.is_elsewhere) return;
  if (index >= worker.held.size()) return;
  TaskEntry& task = *worker.held[index].task;
  if (task.spec.options.timeout_ms > 0) state.interrupts.Watch(task);
}
// Those that an actor's worker may run at the same time stand at 1 to this in what it holds.
size_t LastRunning(const WorkerEntry& worker) {
  return worker.held.front().task->actor->max_concurrency;
}

// The worker holds nothing any more: what it was charged with is free.
void ReturnResources(SchedulerState& state, WorkerEntry& worker) {
  const Shape& shape = worker.scheduling_class->shape();
  state.pipeline.RemoveRunner(worker);
  if (worker.gave_back_cpu) TakeCpuAgain(state, worker);
  state.ledger.Return(shape);
  if (worker.has_actor) state.ledger.EndOfLife(shape);
  state.gpus.Return(worker.gpus, shape.gpu_units);
  worker.gpus.clear();
  worker.scheduling_class = nullptr;
}

// After the last task of a busy worker.
void BecomeIdle(SchedulerState& state, WorkerEntry& worker) {
  const bool had_gpus = !worker.gpus.empty();
  ReturnResources(state, worker);
  if (worker.state != WorkerState::kBusy) return;
  state.pool.Move(worker, WorkerState::kIdle);
  // One that is not ours is looked at again when it is.
  const bool is_old = worker.next_sequence >= state.options.tasks_per_worker_max;
  if (had_gpus || (is_old && worker.IsSchedulable())) {
    EndWorker(state, worker, false);
  }
}

}  // namespace

uint32_t Hold(SchedulerState& state, WorkerEntry& worker, TaskEntry& task, int64_t now_ms) {
  const size_t prefetched_before = worker.prefetched();
  const uint32_t sequence = worker.next_sequence++;
  if (worker.held.empty()) {
    state.pool.Bind(worker, task.scheduling_class->driver());
    state.pool.Move(worker, WorkerState::kBusy);
    const Shape& shape = task.scheduling_class->shape();
    state.ledger.Take(shape);
    if (shape.gpu_units > 0) worker.gpus = state.gpus.Take(shape.gpu_units);
    worker.scheduling_class = task.scheduling_class;
    worker.front_since_ms = now_ms;
    worker.held.push_back({&task, sequence});
    if (task.IsCreation()) {
      state.pool.GiveToActor(worker);
      state.ledger.KeepForLife(shape);
    } else {
      state.pipeline.AddRunner(worker);
    }
    WatchTimeout(state, worker, 0);
  } else {
    RAYX_CHECK(worker.scheduling_class == task.scheduling_class && !worker.revoking);
    worker.held.push_back({&task, sequence});
    state.pipeline.OnPrefetchedChanged(worker, prefetched_before);
  }
  task.MoveTo(Assigned{worker.number, sequence});
  ++state.tasks_assigned;
  state.heads.OnGiven(task);
  return sequence;
}

void Assign(SchedulerState& state, WorkerEntry& worker, TaskEntry& task, int64_t now_ms) {
  RAYX_CHECK(worker.held.empty() || worker.is_runner);
  RAYX_CHECK(worker.IsSchedulable());
  const uint32_t sequence = Hold(state, worker, task, now_ms);
  state.outbox.push_back(
      AssignTask{worker.number, task.spec.id, sequence, task.attempt, worker.gpus});
}

uint32_t HoldCall(SchedulerState& state, WorkerEntry& worker, TaskEntry& call) {
  const uint32_t sequence = worker.next_sequence++;
  worker.held.push_back({&call, sequence});
  call.MoveTo(Assigned{worker.number, sequence});
  ++state.tasks_assigned;
  const bool is_front = worker.prefetched() <= LastRunning(worker) && !worker.is_elsewhere;
  if (call.spec.options.timeout_ms > 0 && is_front) state.interrupts.Watch(call);
  return sequence;
}

void AssignCall(SchedulerState& state, WorkerEntry& worker, TaskEntry& call) {
  const uint32_t sequence = HoldCall(state, worker, call);
  state.outbox.push_back(AssignTask{worker.number, call.spec.id, sequence, 0, worker.gpus});
}

void TakeFinishedCall(SchedulerState& state, WorkerEntry& worker, uint32_t sequence) {
  const size_t index = worker.IndexOf(sequence);
  RAYX_CHECK(index > 0 && index < worker.held.size());
  worker.held.erase(worker.held.begin() + static_cast<std::ptrdiff_t>(index));
  --state.tasks_assigned;
  const size_t last = LastRunning(worker);
  if (index <= last) WatchTimeout(state, worker, last);
}

std::vector<TaskEntry*> TakeCalls(SchedulerState& state, WorkerEntry& worker, uint32_t first) {
  std::vector<TaskEntry*> taken;
  while (worker.prefetched() > 0 && worker.held.back().sequence >= first) {
    taken.push_back(worker.held.back().task);
    worker.held.pop_back();
    --state.tasks_assigned;
  }
  std::reverse(taken.begin(), taken.end());
  return taken;
}

TaskEntry* TakeFinished(SchedulerState& state, WorkerEntry& worker) {
  const size_t prefetched_before = worker.prefetched();
  TaskEntry* task = worker.held.front().task;
  worker.held.pop_front();
  --state.tasks_assigned;
  if (worker.held.empty()) {
    BecomeIdle(state, worker);
  } else {
    worker.front_since_ms = kTimeUnknown;
    WatchTimeout(state, worker, 0);
    state.pipeline.OnPrefetchedChanged(worker, prefetched_before);
  }
  return task;
}

std::vector<TaskEntry*> TakeNotBegun(SchedulerState& state, WorkerEntry& worker, uint32_t first) {
  const size_t prefetched_before = worker.prefetched();
  // A blocked task has begun, whatever the worker's claim word says.
  const size_t stay = worker.gave_back_cpu ? 1 : 0;
  std::vector<TaskEntry*> taken;
  while (worker.held.size() > stay && worker.held.back().sequence >= first) {
    taken.push_back(worker.held.back().task);
    worker.held.pop_back();
    --state.tasks_assigned;
  }
  std::reverse(taken.begin(), taken.end());
  if (taken.empty()) return taken;
  state.pipeline.OnPrefetchedChanged(worker, prefetched_before);
  if (worker.held.empty()) BecomeIdle(state, worker);
  return taken;
}

void BlockWorker(SchedulerState& state, WorkerEntry& worker) {
  state.pipeline.RemoveRunner(worker);
  state.pool.Move(worker, WorkerState::kBlocked);
  GiveBackCpu(state, worker);
  // Nobody else can run the calls of an actor.
  if (worker.has_actor) return;
  if (!worker.revoking && worker.revocable() > 0) Revoke(state, worker);
}

void UnblockWorker(SchedulerState& state, WorkerEntry& worker) {
  state.pool.Move(worker, WorkerState::kBusy);
  TakeCpuAgain(state, worker);
  if (!worker.has_actor) state.pipeline.AddRunner(worker);
}

void Revoke(SchedulerState& state, WorkerEntry& worker) {
  RAYX_CHECK(!worker.revoking);
  worker.revoking = true;
  worker.revoke_end = worker.next_sequence;
  state.outbox.push_back(RevokeTasks{worker.number});
}

void EndWorker(SchedulerState& state, WorkerEntry& worker, bool kill) {
  state.pipeline.RemoveRunner(worker);
  if (worker.state != WorkerState::kEnding) state.pool.Move(worker, WorkerState::kEnding);
  state.outbox.push_back(StopWorker{worker.number, kill});
}

std::vector<HeldTask> RemoveWorker(SchedulerState& state, WorkerEntry& worker) {
  std::vector<HeldTask> held(worker.held.begin(), worker.held.end());
  state.tasks_assigned -= held.size();
  if (!held.empty()) ReturnResources(state, worker);
  worker.held.clear();
  state.pool.Remove(worker);
  return held;
}

}  // namespace rayx::scheduler
