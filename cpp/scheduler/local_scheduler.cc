#include "scheduler/local_scheduler.h"

#include <algorithm>
#include <utility>

#include "common/base/flight_log.h"
#include "scheduler/state/sanity_check.h"
#include "scheduler/state/scheduler_state.h"
#include "scheduler/transitions/actor_lifecycle.h"
#include "scheduler/transitions/admission.h"
#include "scheduler/transitions/assignment.h"
#include "scheduler/transitions/cancellation.h"
#include "scheduler/transitions/dispatcher.h"
#include "scheduler/transitions/elsewhere.h"
#include "scheduler/transitions/lease.h"
#include "scheduler/transitions/task_outcome.h"

namespace rayx::scheduler {
namespace {

std::string WorkerLabel(WorkerNumber worker) { return "worker " + worker.ToString(); }

// Of the tasks that a gone worker held: had it begun this one?
bool Begun(const HeldTask& held, const WorkerEntry& worker, const WorkerEnd& end) {
  // It answered a revocation or blocked since: then that is known here, whatever its claim word
  // says.
  const bool blocked_in_it = worker.gave_back_cpu && held.task == worker.held.front().task;
  return blocked_in_it || held.sequence < worker.begun_below ||
         held.sequence < std::min(end.begun_sequence, worker.taken_back_from);
}

// A driver whose last worker is gone leaves nothing behind.
void ForgetIfGone(SchedulerState& state, const DriverId& driver) {
  if (!state.gone_drivers.contains(driver) || state.pool.HasBoundTo(driver)) return;
  state.gone_drivers.erase(driver);
  state.queue.ForgetDriver(driver);
}

// Places of tasks that a gone worker held.
void SettleHeld(SchedulerState& state, const std::vector<HeldTask>& held,
                const std::vector<bool>& begun, const WorkerEnd& end) {
  for (size_t i = 0; i < held.size(); ++i) {
    TaskEntry& task = *held[i].task;
    if (state.gone_drivers.contains(task.spec.driver)) {
      EndTask(state, task, true);
    } else if (task.interruption.wanted) {
      FailInterrupted(state, task);
    } else if (begun[i]) {
      RetryOrFail(state, task, end);
    } else {
      TaskEntry* const one = &task;
      Requeue(state, {&one, 1});
    }
  }
}

// What a worker had not begun: ready again, or over if it was to stop.
void SettleRevoked(SchedulerState& state, const WorkerEntry& worker,
                   std::vector<TaskEntry*> tasks) {
  std::erase_if(tasks, [&state](TaskEntry* task) {
    if (!task->interruption.wanted) return false;
    FailInterrupted(state, *task);
    return true;
  });
  worker.has_actor ? PutBackCalls(state, tasks) : Requeue(state, tasks);
}

// What a task submits is deeper than itself.
uint32_t DepthOf(const SchedulerState& state, WorkerNumber submitter) {
  const WorkerEntry* parent = submitter == kNoWorker ? nullptr : state.pool.Find(submitter);
  return parent == nullptr || parent->held.empty() ? 0 : parent->held.front().task->depth + 1;
}

}  // namespace

LocalScheduler::LocalScheduler(SchedulerOptions options)
    : state_(std::make_unique<SchedulerState>(std::move(options))) {}

LocalScheduler::~LocalScheduler() = default;

// --- events ---

void LocalScheduler::OnTaskSubmitted(TaskSpec spec, std::span<const ObjectId> missing,
                                     WorkerNumber submitter, const CallerId& caller) {
  SchedulerState& state = *state_;
  if (!state.gone_drivers.empty() && state.gone_drivers.contains(spec.driver)) {
    state.outbox.push_back(TaskEnded{std::move(spec), true});
    return;
  }
  if (spec.kind == TaskKind::kActorCall) {
    SubmitCall(state, std::move(spec), missing, caller);
    return;
  }
  const bool is_creation = spec.kind == TaskKind::kActorCreation;
  if (is_creation && RefuseCreation(state, spec)) return;
  if (!state.shapes.Feasible(spec.resources)) {
    if (!state.tasks.contains(spec.id)) RefuseInfeasible(state, std::move(spec));
    return;
  }
  AddTask(state, std::move(spec), missing,
          {.creation = is_creation, .depth = DepthOf(state, submitter)});
}

Status LocalScheduler::OnTaskGivenDirectly(TaskSpec spec, WorkerNumber number, uint32_t sequence,
                                           const CallerId& caller) {
  WorkerEntry* worker = state_->pool.Find(number);
  const bool is_ending = worker == nullptr || worker->state == WorkerState::kEnding;
  // A killed actor may have run the call: that is settled when its worker is gone.
  if (!is_ending || (worker != nullptr && worker->has_actor && !worker->IsSchedulable())) {
    return GiveDirectly(*state_, std::move(spec), *worker, sequence, caller);
  }
  OnTaskSubmitted(std::move(spec), {}, kNoWorker, caller);
  return Status::Ok();
}

bool LocalScheduler::OnLeaseOpened(WorkerNumber worker) { return OpenLease(*state_, worker); }

void LocalScheduler::OnLeaseClosed(WorkerNumber worker) { CloseLease(*state_, worker); }

void LocalScheduler::OnLeaseInUse(WorkerNumber worker) { KeepLease(*state_, worker); }

void LocalScheduler::OnObjectAvailable(const ObjectId& id) {
  std::vector<TaskEntry*> ready;
  state_->dependencies.OnAvailable(id, ready);
  for (TaskEntry* task : ready) {
    task->MoveTo(Ready{});
    if (task->IsCall()) {
      state_->actors.OnCallReady(*task);
      continue;
    }
    PushReady(*state_, *task);
  }
}

void LocalScheduler::OnWorkerStarted(WorkerNumber number, int64_t pid) {
  WorkerEntry* worker = state_->pool.Find(number);
  if (worker == nullptr || worker->state != WorkerState::kStarting) return;
  worker->pid = pid;
  state_->pool.Move(*worker, WorkerState::kIdle);
  state_->pool.backoff().OnStarted();
  state_->changed = true;
}

Status LocalScheduler::OnTaskFinished(WorkerNumber number, const TaskId& id, uint32_t sequence,
                                      bool failed) {
  WorkerEntry* worker = state_->pool.Find(number);
  if (worker != nullptr && worker->has_actor) {
    return FinishOfActor(*state_, *worker, id, sequence, failed);
  }
  if (worker == nullptr || worker->held.empty() || worker->held.front().sequence != sequence ||
      worker->held.front().task->spec.id != id) {
    return Status::InvalidArgument(WorkerLabel(number) + " says it finished task " + id.Hex() +
                                   " as number " + std::to_string(sequence) +
                                   ", which it does not run");
  }
  // A thread of the task may still be in get; the task itself is over.
  if (worker->state == WorkerState::kBlocked) UnblockWorker(*state_, *worker);
  TaskEntry* task = TakeFinished(*state_, *worker);
  ++state_->tasks_finished;
  EndTask(*state_, *task, false);
  state_->changed = true;
  return Status::Ok();
}

void LocalScheduler::OnItemMade(const TaskId& task) {
  const auto found = state_->tasks.find(task);
  if (found != state_->tasks.end()) found->second.has_items = true;
}

void LocalScheduler::OnResultMade(const TaskId& task) {
  const auto found = state_->tasks.find(task);
  if (found != state_->tasks.end()) ++found->second.results_made;
}

Status LocalScheduler::OnWorkerBlocked(WorkerNumber number) {
  WorkerEntry* worker = state_->pool.Find(number);
  // One that is being ended may still say so; its resources return when it is gone.
  if (worker != nullptr && worker->state == WorkerState::kEnding) return Status::Ok();
  // Several calls of an actor may block.
  if (worker != nullptr && worker->has_actor && worker->gave_back_cpu) return Status::Ok();
  if (worker == nullptr || worker->state != WorkerState::kBusy) {
    return Status::InvalidArgument(WorkerLabel(number) +
                                   " says it is blocked, but it runs nothing");
  }
  BlockWorker(*state_, *worker);
  state_->changed = true;
  return Status::Ok();
}

Status LocalScheduler::OnWorkerUnblocked(WorkerNumber number) {
  WorkerEntry* worker = state_->pool.Find(number);
  if (worker != nullptr && worker->state == WorkerState::kEnding) return Status::Ok();
  if (worker != nullptr && worker->has_actor && !worker->gave_back_cpu) return Status::Ok();
  if (worker == nullptr || worker->state != WorkerState::kBlocked) {
    return Status::InvalidArgument(WorkerLabel(number) +
                                   " says it is not blocked any more, but it was not");
  }
  UnblockWorker(*state_, *worker);
  state_->changed = true;
  return Status::Ok();
}

void LocalScheduler::OnTasksRevoked(WorkerNumber number, uint32_t first) {
  WorkerEntry* worker = state_->pool.Find(number);
  if (worker == nullptr) return;
  worker->revoking = false;
  worker->begun_below = std::max(worker->begun_below, std::min(first, worker->next_sequence));
  state_->changed = true;
  // What an ending worker holds is settled when it is gone.
  if (worker->state == WorkerState::kEnding) {
    worker->taken_back_from = worker->begun_below;
    return;
  }
  // It ended all it had before the revocation reached it, and was given something new.
  if (!worker->has_actor && !worker->held.empty() &&
      worker->held.front().sequence >= worker->revoke_end) {
    return;
  }
  const uint32_t end = worker->begun_below;
  SettleRevoked(
      *state_, *worker,
      worker->has_actor ? TakeCalls(*state_, *worker, end) : TakeNotBegun(*state_, *worker, end));
  InterruptBegun(*state_, *worker);
  if (worker->has_actor) state_->actors.List(*worker->held.front().task->actor);
}

void LocalScheduler::OnWorkerGone(WorkerNumber number, const WorkerEnd& end) {
  SchedulerState& state = *state_;
  WorkerEntry* worker = state.pool.Find(number);
  if (worker == nullptr) return;
  state.changed = true;
  FlightLog::Note(WorkerLabel(number) + " gone while " +
                  std::string(WorkerStateName(worker->state)) + ": " + end.description);
  StartBackoff& backoff = state.pool.backoff();
  worker->state == WorkerState::kStarting ? backoff.OnFailed(end.description)
                                          : backoff.OnWorkerEnded();
  std::vector<bool> begun;
  for (const scheduler::HeldTask& held : worker->held) begun.push_back(Begun(held, *worker, end));
  const DriverId driver = worker->driver;
  const bool had_actor = worker->has_actor;
  // HeldTask alone is the question of that name.
  CloseLease(state, number);
  const std::vector<scheduler::HeldTask> held = RemoveWorker(state, *worker);
  had_actor ? SettleActor(state, held, begun, end) : SettleHeld(state, held, begun, end);
  ForgetIfGone(state, driver);
}

void LocalScheduler::OnDriverGone(const DriverId& driver) {
  SchedulerState& state = *state_;
  state.changed = true;
  FlightLog::Note("driver " + driver.Hex() + " gone");
  const auto queue = state.queue.drivers().find(driver);
  if (queue != state.queue.drivers().end()) {
    for (const auto& scheduling_class : queue->second->all) {
      state.heads.Forget(*scheduling_class);
      const std::vector<TaskEntry*> ready = state.queue.TakeAll(*scheduling_class);
      // Creations end with their actors.
      if (scheduling_class->kind().creations) continue;
      for (TaskEntry* task : ready) EndTask(state, *task, true);
    }
  }
  const auto of_driver = [&driver](const TaskEntry& task) { return task.spec.driver == driver; };
  for (TaskEntry* task : state.dependencies.RemoveIf(of_driver)) {
    if (task->actor == nullptr) EndTask(state, *task, true);
  }
  std::erase_if(state.for_elsewhere, [&](const TaskEntry* one) { return of_driver(*one); });
  EndActorsOf(state, driver);
  for (WorkerEntry* worker : state.pool.BoundTo(driver)) EndWorker(state, *worker, true);
  state.gone_drivers.insert(driver);
  ForgetIfGone(state, driver);
}

void LocalScheduler::OnDriverEnding(const DriverId& driver,
                                    const std::function<bool(WorkerNumber)>& has_work) {
  SchedulerState& state = *state_;
  for (WorkerEntry* worker : state.pool.BoundTo(driver)) {
    if (worker->has_actor) {
      if (worker->prefetched() == 0) LetActorEnd(state, *worker);
    } else if (worker->state == WorkerState::kIdle && has_work(worker->number)) {
      EndWorker(state, *worker, false);
    }
  }
}

std::vector<WorkerNumber> LocalScheduler::EndingWorkersOf(const DriverId& driver) const {
  std::vector<WorkerNumber> ending;
  for (const WorkerEntry* worker : state_->pool.BoundTo(driver)) {
    if (worker->state == WorkerState::kEnding) ending.push_back(worker->number);
  }
  return ending;
}

void LocalScheduler::OnActorUnreferenced(const TaskId& id) {
  if (ActorEntry* actor = state_->actors.Find(id)) Unreference(*state_, *actor);
}

void LocalScheduler::OnActorKilled(const TaskId& id, const std::string& reason) {
  if (ActorEntry* actor = state_->actors.Find(id)) {
    EndActor(*state_, *actor, {.cause = reason, .kill = true});
  }
}

void LocalScheduler::OnTaskCancelled(const TaskId& id, bool force) {
  const auto it = state_->tasks.find(id);
  if (it == state_->tasks.end()) return;
  StopTask(*state_, it->second, InterruptReason::kCancelled, force);
}

void LocalScheduler::OnAllCancelled(const DriverId& driver, bool force) {
  StopAllOf(*state_, driver, force);
}

void LocalScheduler::OnTick(int64_t now_ms) {
  if (state_->next_round_ms.has_value() && now_ms >= *state_->next_round_ms) state_->changed = true;
}

void LocalScheduler::Schedule(int64_t now_ms) {
  OnTick(now_ms);
  Interrupts& interrupts = state_->interrupts;
  interrupts.Stamp(now_ms, state_->tasks);
  if (interrupts.HasDue(now_ms)) OnTimeUp(*state_, now_ms);
  // Its worker may be who tasks have waited for: who runs what is decided when that is known.
  const bool is_deciding_later = ReclaimForOthers(*state_);
  if (!state_->for_elsewhere.empty()) StandIn(*state_, now_ms);
  if (state_->actors.has_listed()) HandOutCalls(*state_);
  if (state_->changed && !is_deciding_later) Dispatcher(*state_, now_ms).Run();
  interrupts.Stamp(now_ms, state_->tasks);
}

// --- questions ---

const TaskSpec* LocalScheduler::FindTask(const TaskId& id) const {
  const auto it = state_->tasks.find(id);
  return it == state_->tasks.end() ? nullptr : &it->second.spec;
}

bool LocalScheduler::IsAssigned(const TaskId& id) const {
  const auto it = state_->tasks.find(id);
  return it != state_->tasks.end() && it->second.state() == TaskState::kAssigned;
}

const TaskSpec* LocalScheduler::RunningTask(WorkerNumber number) const {
  const WorkerEntry* worker = state_->pool.Find(number);
  if (worker == nullptr || worker->held.empty()) return nullptr;
  // The creation of an actor that is alive has run.
  const TaskEntry& first = *worker->held.front().task;
  const bool has_run = first.IsCreation() && first.actor->state == ActorState::kAlive;
  return &worker->held[has_run && worker->prefetched() > 0 ? 1 : 0].task->spec;
}

const TaskSpec* LocalScheduler::HeldTask(WorkerNumber number, const TaskId& id) const {
  const auto it = state_->tasks.find(id);
  if (it == state_->tasks.end() || it->second.state() != TaskState::kAssigned) return nullptr;
  return it->second.assigned().worker == number ? &it->second.spec : nullptr;
}

std::optional<ActorSummary> LocalScheduler::FindActor(const TaskId& id) const {
  const ActorEntry* actor = state_->actors.Find(id);
  if (actor == nullptr) return std::nullopt;
  ActorSummary summary{actor->id, actor->driver,   actor->name,  actor->class_name, actor->state,
                       kNoWorker, actor->restarts, actor->cause, actor->crash};
  const TaskEntry* creation = actor->creation;
  if (creation != nullptr && creation->state() == TaskState::kAssigned) {
    summary.worker = creation->assigned().worker;
  }
  return summary;
}

std::optional<TaskId> LocalScheduler::FindNamedActor(const DriverId& driver,
                                                     const std::string& name) const {
  const ActorEntry* actor = state_->actors.FindNamed(driver, name);
  if (actor == nullptr) return std::nullopt;
  return actor->id;
}

DriverId LocalScheduler::DriverOf(WorkerNumber number) const {
  const WorkerEntry* worker = state_->pool.Find(number);
  return worker == nullptr ? DriverId() : worker->driver;
}

const ResourceSet& LocalScheduler::total() const { return state_->options.total; }

ResourceSet LocalScheduler::available() const { return state_->ledger.AvailableSet(); }

SchedulerStats LocalScheduler::Stats() const {
  SchedulerStats stats;
  stats.tasks_waiting = state_->dependencies.size();
  stats.tasks_ready = state_->queue.size();
  stats.tasks_assigned = state_->tasks_assigned;
  stats.workers_starting = state_->pool.count(WorkerState::kStarting);
  stats.workers_idle = state_->pool.count(WorkerState::kIdle);
  stats.workers_busy = state_->pool.count(WorkerState::kBusy);
  stats.workers_blocked = state_->pool.count(WorkerState::kBlocked);
  stats.tasks_finished = state_->tasks_finished;
  stats.tasks_retried = state_->tasks_retried;
  stats.actors = state_->actors.living();
  return stats;
}

bool LocalScheduler::AllHavePrefetched(size_t count) const {
  return state_->pool.AllHavePrefetched(count);
}

std::optional<int64_t> LocalScheduler::NextTickMs() const {
  const std::optional<int64_t> next = state_->next_round_ms;
  const std::optional<int64_t> due = state_->interrupts.NextMs();
  return next && due ? std::min(next, due) : (next ? next : due);
}

std::vector<Effect> LocalScheduler::TakeEffects() { return std::exchange(state_->outbox, {}); }

void LocalScheduler::SanityCheck() const { CheckSanity(*state_); }

}  // namespace rayx::scheduler
