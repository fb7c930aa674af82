#include "scheduler/transitions/dispatcher.h"

#include <algorithm>
#include <iterator>

#include "scheduler/transitions/actor_lifecycle.h"
#include "scheduler/transitions/assignment.h"
#include "scheduler/transitions/task_outcome.h"

namespace rayx::scheduler {
namespace {

// Fails all ready tasks of the scheduling class since no worker can be started.
void FailReadyTasks(SchedulerState& state, SchedulingClass& scheduling_class) {
  state.heads.Forget(scheduling_class);
  const std::string why =
      "node " + state.options.node_name +
      " cannot start workers. The last attempt: " + state.pool.backoff().description();
  while (scheduling_class.kind().creations && scheduling_class.ready_count() > 0) {
    EndActor(state, *scheduling_class.Head()->actor, {why, SystemErrorCode::kWorkerStartFailed});
  }
  for (TaskEntry* task : state.queue.TakeAll(scheduling_class)) {
    FailAndEnd(state, *task, SystemErrorCode::kWorkerStartFailed,
               TaskLabel(task->spec) + " could not run: " + why);
  }
}

}  // namespace

Dispatcher::Dispatcher(SchedulerState& state, int64_t now_ms) : state_(state), now_ms_(now_ms) {}

void Dispatcher::Run() {
  state_.changed = false;
  state_.pool.backoff().OnTime(now_ms_);
  state_.pool.StampIdle(now_ms_);
  free_ = state_.ledger.available();
  FailUnstartable();
  reservable_ = state_.pool.count(WorkerState::kStarting) + state_.pool.StartsAllowed(now_ms_);
  may_start_ = reservable_ > 0;
  if (state_.queue.size() > 0) {
    ServeStarved();
    ServeReady();
    Prefetch();
    RevokeForStarved();
    RevokeForPriority();
  }
  RevokeForIdle();
  StartWorkers();
  EndIdleWorkers();
  Finish();
}

void Dispatcher::FailUnstartable() {
  // Who comes later waits for the outcome of the next attempt.
  if (!state_.pool.backoff().TakeVerdict()) return;
  std::vector<SchedulingClass*> classes;
  for (const DriverQueue* queue : state_.queue.ready_drivers()) {
    if (state_.pool.HasUsable(queue->ready.front()->driver())) continue;
    // What lacks more than a worker waits for that: it is there when some worker has ended.
    std::copy_if(
        queue->ready.begin(), queue->ready.end(), std::back_inserter(classes),
        [this](const SchedulingClass* scheduling_class) { return FitsNow(*scheduling_class); });
  }
  for (SchedulingClass* scheduling_class : classes) FailReadyTasks(state_, *scheduling_class);
}

void Dispatcher::ServeStarved() {
  for (SchedulingClass* scheduling_class : state_.heads.Starved(now_ms_, state_.ledger)) {
    if (FitsNow(*scheduling_class)) {
      GiveHead(*scheduling_class);
      continue;
    }
    WaitingHeads::KeepBack(*scheduling_class, now_ms_, free_);
    starved_.push_back({scheduling_class, scheduling_class->Head()->arrival});
  }
}

void Dispatcher::ServeReady() {
  state_.queue.BeginPass();
  while (SchedulingClass* scheduling_class = state_.queue.Next()) {
    const bool kept_for =
        std::any_of(starved_.begin(), starved_.end(), [scheduling_class](const Starved& starved) {
          return starved.scheduling_class == scheduling_class;
        });
    if (!kept_for && GiveHead(*scheduling_class)) {
      state_.queue.Reorder(*scheduling_class);
    } else {
      state_.queue.Skip(*scheduling_class);
    }
  }
}

bool Dispatcher::FitsNow(const SchedulingClass& scheduling_class) const {
  if (!Fits(free_, scheduling_class.shape())) return false;
  const int64_t gpu_units = scheduling_class.shape().gpu_units;
  return gpu_units == 0 || state_.gpus.HasRoom(gpu_units);
}

Amounts Dispatcher::FreeFor(const SchedulingClass& scheduling_class) const {
  Amounts free = free_;
  const int64_t gpu_units = scheduling_class.shape().gpu_units;
  if (gpu_units == 0) return free;
  int64_t& gpus = free[*state_.ledger.gpu()];
  gpus = std::min(gpus, state_.gpus.Usable(gpu_units));
  return free;
}

bool Dispatcher::GiveHead(SchedulingClass& scheduling_class) {
  if (!FitsNow(scheduling_class)) {
    // Nobody can go by in the only scheduling class there is.
    if (state_.queue.class_count() > 1)
      state_.heads.Watch(scheduling_class, FreeFor(scheduling_class), now_ms_);
    return false;
  }
  WorkerEntry* worker = state_.pool.FindIdle(scheduling_class.driver());
  if (worker == nullptr) {
    ReserveForStarts(scheduling_class);
    return false;
  }
  TaskEntry* task = state_.queue.Pop(scheduling_class);
  Subtract(free_, scheduling_class.shape());
  Assign(state_, *worker, *task, now_ms_);
  return true;
}

void Dispatcher::ReserveForStarts(SchedulingClass& scheduling_class) {
  lacked_worker_ = true;
  reserved_classes_.push_back(&scheduling_class);
  while (scheduling_class.reserved < scheduling_class.ready_count() && reservable_ > 0 &&
         Fits(free_, scheduling_class.shape())) {
    Subtract(free_, scheduling_class.shape());
    ++scheduling_class.reserved;
    --reservable_;
    ++wanted_workers_;
  }
}

void Dispatcher::Prefetch() {
  if (state_.pipeline.depth() == 0) return;
  std::vector<SchedulingClass*> classes;
  for (const DriverQueue* queue : state_.queue.ready_drivers()) {
    for (SchedulingClass* scheduling_class : queue->ready) {
      if (scheduling_class->ready_count() <= scheduling_class->reserved ||
          scheduling_class->is_slow || !state_.pipeline.WorthFilling(*scheduling_class))
        continue;
      // A worker that unblocked has taken a CPU that is in use: the first task that ends frees it,
      // if no prefetched task inherits it.
      if (state_.ledger.Overdrawn(scheduling_class->shape()) || GivesWay(*scheduling_class))
        continue;
      // It fits and workers can be started: it waits for one of the next starts.
      if (may_start_ && FitsNow(*scheduling_class)) continue;
      classes.push_back(scheduling_class);
    }
  }
  for (SchedulingClass* scheduling_class : classes)
    PrefetchFor(*scheduling_class, PrefetchArrivalMax(*scheduling_class));
}

uint64_t Dispatcher::PrefetchArrivalMax(const SchedulingClass& scheduling_class) const {
  for (const Starved& starved : starved_) {
    if (WaitingHeads::KeepsFrom(*starved.scheduling_class, scheduling_class, now_ms_))
      return starved.arrival;
  }
  return state_.heads.PrefetchArrivalMax(scheduling_class);
}

void Dispatcher::PrefetchFor(SchedulingClass& scheduling_class, uint64_t arrival_max) {
  size_t shortest = state_.pipeline.depth();
  for (const WorkerEntry* runner : scheduling_class.runners) {
    if (state_.pipeline.Room(*runner) > 0) shortest = std::min(shortest, runner->prefetched());
  }
  scheduling_class.few_prefetched = false;
  for (size_t level = shortest; level < state_.pipeline.depth(); ++level) {
    for (WorkerEntry* runner : scheduling_class.runners) {
      if (runner->prefetched() > level || state_.pipeline.Room(*runner) == 0) continue;
      if (scheduling_class.ready_count() <= scheduling_class.reserved ||
          scheduling_class.Head()->arrival > arrival_max) {
        scheduling_class.few_prefetched =
            true;  // there was more room than tasks: look again when there are more
        return;
      }
      // A task that others of its depth show to have children: when its turn came on the worker,
      // their children might be there, who go first. Otherwise each worker opens one more branch of
      // a tree.
      if (scheduling_class.BlocksAt(scheduling_class.Head()->depth)) return;
      if (runner->next_sequence >= state_.options.tasks_per_worker_max) continue;
      Assign(state_, *runner, *state_.queue.Pop(scheduling_class, scheduling_class.reserved),
             now_ms_);
    }
  }
}

void Dispatcher::RevokeForStarved() {
  for (const Starved& starved : starved_) {
    if (!starved.scheduling_class->wait.watched)
      continue;  // a worker of its own scheduling class has prefetched it
    for (const SchedulingClass* scheduling_class : state_.pipeline.with_prefetched()) {
      if (!WaitingHeads::KeepsFrom(*starved.scheduling_class, *scheduling_class, now_ms_)) continue;
      for (WorkerEntry* runner : scheduling_class->runners) {
        if (runner->revoking || runner->revocable() == 0) continue;
        if (runner->held.back().task->arrival > starved.arrival) Revoke(state_, *runner);
      }
    }
  }
}

bool Dispatcher::GivesWay(const SchedulingClass& scheduling_class) {
  const DriverQueue& queue = *scheduling_class.queue();
  if (!queue.has_priorities) return false;
  return std::any_of(queue.ready.begin(), queue.ready.end(),
                     [&scheduling_class](const SchedulingClass* other) {
                       return other->priority() > scheduling_class.priority() &&
                              other->shape().Shares(scheduling_class.shape());
                     });
}

void Dispatcher::RevokeForPriority() {
  for (const SchedulingClass* scheduling_class : state_.pipeline.with_prefetched()) {
    if (!GivesWay(*scheduling_class)) continue;
    for (WorkerEntry* runner : scheduling_class->runners) {
      if (!runner->revoking && runner->revocable() > 0) Revoke(state_, *runner);
    }
  }
}

void Dispatcher::RevokeForIdle() {
  for (SchedulingClass* scheduling_class : state_.pipeline.with_prefetched()) {
    if (scheduling_class->ready_count() > 0 || !FitsNow(*scheduling_class)) continue;
    if (reservable_ == 0 && state_.pool.FindIdle(scheduling_class->driver()) == nullptr) continue;
    // One at a time: what comes back is shared out before the next is asked, in the same turn.
    WorkerEntry* runner = state_.pipeline.MostPrefetched(*scheduling_class, now_ms_, look_ms_);
    if (runner == nullptr) continue;
    Revoke(state_, *runner);
    for (size_t i = runner->revocable(); i > 0 && Fits(free_, scheduling_class->shape()); --i) {
      Subtract(free_, scheduling_class->shape());
    }
  }
}

void Dispatcher::StartWorkers() {
  WorkerPool& pool = state_.pool;
  const size_t starting = pool.count(WorkerState::kStarting);
  const size_t wanted = wanted_workers_ - std::min(wanted_workers_, starting);
  const size_t starts =
      std::min(std::max(wanted, pool.PrestartsDue(now_ms_)), pool.StartsAllowed(now_ms_));
  for (size_t i = 0; i < starts; ++i) {
    state_.outbox.push_back(StartWorker{pool.Add().number});
    pool.OnStart(now_ms_);
    if (!pool.ActiveBeyond(pool.roomy())) continue;
    if (WorkerEntry* idle = pool.LongestIdleBound()) EndWorker(state_, *idle, false);
  }
  // No room for one more process: an idle one of another driver makes some.
  if (lacked_worker_ && pool.full() && pool.count(WorkerState::kEnding) == 0) {
    if (WorkerEntry* idle = pool.LongestIdleBound()) EndWorker(state_, *idle, false);
  }
}

void Dispatcher::EndIdleWorkers() {
  for (WorkerEntry* worker : state_.pool.TooLongIdle(now_ms_)) EndWorker(state_, *worker, false);
}

void Dispatcher::LookAgainAt(std::optional<int64_t> time_ms) {
  if (!time_ms.has_value() || *time_ms <= now_ms_) return;
  std::optional<int64_t>& next = state_.next_round_ms;
  next = std::min(next.value_or(*time_ms), *time_ms);
}

void Dispatcher::Finish() {
  // A scheduling class may be gone in the next round: nothing of this one stays in it.
  for (SchedulingClass* scheduling_class : reserved_classes_) scheduling_class->reserved = 0;
  state_.next_round_ms.reset();
  LookAgainAt(look_ms_);
  if (lacked_worker_) {
    LookAgainAt(state_.pool.backoff().NextMs());
    LookAgainAt(state_.pool.NextStartMs(now_ms_));
  }
  LookAgainAt(state_.pool.NextPrestartMs());
  LookAgainAt(state_.pool.NextIdleEndMs());
  LookAgainAt(state_.heads.NextMs(now_ms_));
}

}  // namespace rayx::scheduler
