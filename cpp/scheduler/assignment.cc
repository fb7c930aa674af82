#include "scheduler/assignment.h"

#include <algorithm>

#include "common/base/check.h"

namespace rayx::scheduler {
namespace {

// The worker holds nothing any more: what it was charged with is free.
void ReturnResources(SchedulerState& state, WorkerEntry& worker) {
  const Shape& shape = worker.lane->shape();
  state.pipeline.RemoveRunner(worker);
  if (worker.gave_back_cpu) state.ledger.Unblock(shape);
  worker.gave_back_cpu = false;
  state.ledger.Return(shape);
  worker.lane = nullptr;
}

// After the last task of a busy worker.
void BecomeIdle(SchedulerState& state, WorkerEntry& worker) {
  ReturnResources(state, worker);
  if (worker.state != WorkerState::kBusy) return;
  state.pool.Move(worker, WorkerState::kIdle);
  if (worker.next_sequence >= state.options.tasks_per_worker_max) EndWorker(state, worker, false);
}

}  // namespace

void Assign(SchedulerState& state, WorkerEntry& worker, TaskEntry& task, int64_t now_ms) {
  const size_t tail_before = worker.tail();
  const uint32_t sequence = worker.next_sequence++;
  if (worker.held.empty()) {
    state.pool.Bind(worker, task.lane->driver());
    state.pool.Move(worker, WorkerState::kBusy);
    state.ledger.Take(task.lane->shape());
    worker.lane = task.lane;
    worker.front_since_ms = now_ms;
    worker.held.push_back({&task, sequence});
    state.pipeline.AddRunner(worker);
  } else {
    RAYX_CHECK(worker.lane == task.lane && worker.is_runner && !worker.recalling);
    worker.held.push_back({&task, sequence});
    state.pipeline.OnTailChanged(worker, tail_before);
  }
  task.MoveTo(Assigned{worker.number, sequence});
  ++state.tasks_assigned;
  state.outbox.push_back(AssignTask{worker.number, task.spec.id, sequence, task.attempt});
  state.heads.OnGiven(task);
}

TaskEntry* TakeFinished(SchedulerState& state, WorkerEntry& worker) {
  const size_t tail_before = worker.tail();
  TaskEntry* task = worker.held.front().task;
  worker.held.pop_front();
  --state.tasks_assigned;
  if (worker.held.empty()) {
    BecomeIdle(state, worker);
  } else {
    worker.front_since_ms = kTimeUnknown;
    state.pipeline.OnTailChanged(worker, tail_before);
  }
  return task;
}

std::vector<TaskEntry*> TakeNotBegun(SchedulerState& state, WorkerEntry& worker, uint32_t first) {
  const size_t tail_before = worker.tail();
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
  state.pipeline.OnTailChanged(worker, tail_before);
  if (worker.held.empty()) BecomeIdle(state, worker);
  return taken;
}

void BlockWorker(SchedulerState& state, WorkerEntry& worker) {
  state.pipeline.RemoveRunner(worker);
  state.pool.Move(worker, WorkerState::kBlocked);
  state.ledger.Block(worker.lane->shape());
  worker.gave_back_cpu = true;
  if (!worker.recalling && worker.recallable() > 0) Recall(state, worker);
}

void UnblockWorker(SchedulerState& state, WorkerEntry& worker) {
  state.pool.Move(worker, WorkerState::kBusy);
  state.ledger.Unblock(worker.lane->shape());
  worker.gave_back_cpu = false;
  state.pipeline.AddRunner(worker);
}

void Recall(SchedulerState& state, WorkerEntry& worker) {
  RAYX_CHECK(!worker.recalling);
  worker.recalling = true;
  state.outbox.push_back(RecallTasks{worker.number});
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
