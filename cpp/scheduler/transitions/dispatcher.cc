#include "scheduler/transitions/dispatcher.h"

#include <algorithm>
#include <iterator>

#include "scheduler/transitions/actor_lifecycle.h"
#include "scheduler/transitions/assignment.h"
#include "scheduler/transitions/direct_line.h"
#include "scheduler/transitions/task_outcome.h"

namespace rayx::scheduler {
namespace {

// Fails all ready tasks of the lane since no worker can be started.
void FailReadyTasks(SchedulerState& state, Lane& lane) {
  state.heads.Forget(lane);
  const std::string why =
      "node " + state.options.node_name +
      " cannot start workers. The last attempt: " + state.pool.backoff().description();
  while (lane.kind().creations && lane.ready_count() > 0) {
    EndActor(state, *lane.Head()->actor, {why, SystemErrorCode::kWorkerStartFailed});
  }
  for (TaskEntry* task : state.queue.TakeAll(lane)) {
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
  // Its worker may be who has been waited for.
  if (CloseForOthers(state_)) return;
  free_ = state_.ledger.available();
  FailUnstartable();
  reservable_ = state_.pool.count(WorkerState::kStarting) + state_.pool.StartsAllowed(now_ms_);
  may_start_ = reservable_ > 0;
  if (state_.queue.size() > 0) {
    ServeStarved();
    ServeReady();
    FillTails();
    RecallForStarved();
    RecallForPriority();
  }
  RecallForIdle();
  StartWorkers();
  EndIdleWorkers();
  Finish();
}

void Dispatcher::FailUnstartable() {
  // Who comes later waits for the outcome of the next attempt.
  if (!state_.pool.backoff().TakeVerdict()) return;
  std::vector<Lane*> lanes;
  for (const DriverQueue* queue : state_.queue.ready_drivers()) {
    if (state_.pool.HasUsable(queue->ready.front()->driver())) continue;
    // What lacks more than a worker waits for that: it is there when some worker has ended.
    std::copy_if(queue->ready.begin(), queue->ready.end(), std::back_inserter(lanes),
                 [this](const Lane* lane) { return FitsNow(*lane); });
  }
  for (Lane* lane : lanes) FailReadyTasks(state_, *lane);
}

void Dispatcher::ServeStarved() {
  for (Lane* lane : state_.heads.Starved(now_ms_, state_.ledger)) {
    if (FitsNow(*lane)) {
      GiveHead(*lane);
      continue;
    }
    WaitingHeads::KeepBack(*lane, now_ms_, free_);
    starved_.push_back({lane, lane->Head()->arrival});
  }
}

void Dispatcher::ServeReady() {
  state_.queue.BeginPass();
  while (Lane* lane = state_.queue.Next()) {
    const bool kept_for =
        std::any_of(starved_.begin(), starved_.end(),
                    [lane](const Starved& starved) { return starved.lane == lane; });
    if (!kept_for && GiveHead(*lane)) {
      state_.queue.Reorder(*lane);
    } else {
      state_.queue.Skip(*lane);
    }
  }
}

bool Dispatcher::FitsNow(const Lane& lane) const {
  if (!Fits(free_, lane.shape())) return false;
  const int64_t gpu_units = lane.shape().gpu_units;
  return gpu_units == 0 || state_.gpus.HasRoom(gpu_units);
}

Amounts Dispatcher::FreeFor(const Lane& lane) const {
  Amounts free = free_;
  const int64_t gpu_units = lane.shape().gpu_units;
  if (gpu_units == 0) return free;
  int64_t& gpus = free[*state_.ledger.gpu()];
  gpus = std::min(gpus, state_.gpus.Usable(gpu_units));
  return free;
}

bool Dispatcher::GiveHead(Lane& lane) {
  if (!FitsNow(lane)) {
    // Nobody can go by in the only lane there is.
    if (state_.queue.lane_count() > 1) state_.heads.Watch(lane, FreeFor(lane), now_ms_);
    return false;
  }
  WorkerEntry* worker = state_.pool.FindIdle(lane.driver());
  if (worker == nullptr) {
    ReserveForStarts(lane);
    return false;
  }
  TaskEntry* task = state_.queue.Pop(lane);
  Subtract(free_, lane.shape());
  Assign(state_, *worker, *task, now_ms_);
  return true;
}

void Dispatcher::ReserveForStarts(Lane& lane) {
  lacked_worker_ = true;
  reserved_lanes_.push_back(&lane);
  while (lane.reserved < lane.ready_count() && reservable_ > 0 && Fits(free_, lane.shape())) {
    Subtract(free_, lane.shape());
    ++lane.reserved;
    --reservable_;
    ++wanted_workers_;
  }
}

void Dispatcher::FillTails() {
  if (state_.pipeline.depth() == 0) return;
  std::vector<Lane*> lanes;
  for (const DriverQueue* queue : state_.queue.ready_drivers()) {
    for (Lane* lane : queue->ready) {
      if (lane->ready_count() <= lane->reserved || !state_.pipeline.WorthFilling(*lane)) continue;
      // A worker that unblocked has taken a CPU that is in use: whoever ends first frees it, if no
      // tail inherits it.
      if (state_.ledger.Overdrawn(lane->shape()) || GivesWay(*lane)) continue;
      // It fits and workers can be started: it waits for one of the next starts.
      if (may_start_ && FitsNow(*lane)) continue;
      lanes.push_back(lane);
    }
  }
  for (Lane* lane : lanes) FillTailsOf(*lane, TailArrivalMax(*lane));
}

uint64_t Dispatcher::TailArrivalMax(const Lane& lane) const {
  for (const Starved& starved : starved_) {
    if (WaitingHeads::KeepsFrom(*starved.lane, lane, now_ms_)) return starved.arrival;
  }
  return state_.heads.TailArrivalMax(lane);
}

void Dispatcher::FillTailsOf(Lane& lane, uint64_t arrival_max) {
  size_t shortest = state_.pipeline.depth();
  for (const WorkerEntry* runner : lane.runners) {
    if (state_.pipeline.Room(*runner) > 0) shortest = std::min(shortest, runner->tail());
  }
  lane.short_tail = false;
  for (size_t level = shortest; level < state_.pipeline.depth(); ++level) {
    for (WorkerEntry* runner : lane.runners) {
      if (runner->tail() > level || state_.pipeline.Room(*runner) == 0) continue;
      if (lane.ready_count() <= lane.reserved || lane.Head()->arrival > arrival_max) {
        lane.short_tail = true;  // there was more room than tasks: look again when there are more
        return;
      }
      // A task that others of its depth show to have children: when its turn came in the tail,
      // their children might be there, who go first. Otherwise each tail opens one more branch of a
      // tree.
      if (lane.BlocksAt(lane.Head()->depth)) return;
      if (runner->next_sequence >= state_.options.tasks_per_worker_max) continue;
      Assign(state_, *runner, *state_.queue.Pop(lane, lane.reserved), now_ms_);
    }
  }
}

void Dispatcher::RecallForStarved() {
  for (const Starved& starved : starved_) {
    if (!starved.lane->wait.watched) continue;  // it went into a tail of its own lane
    for (const Lane* lane : state_.pipeline.tailed()) {
      if (!WaitingHeads::KeepsFrom(*starved.lane, *lane, now_ms_)) continue;
      for (WorkerEntry* runner : lane->runners) {
        if (runner->recalling || runner->recallable() == 0) continue;
        if (runner->held.back().task->arrival > starved.arrival) Recall(state_, *runner);
      }
    }
  }
}

bool Dispatcher::GivesWay(const Lane& lane) {
  const DriverQueue& queue = *lane.queue();
  if (!queue.has_priorities) return false;
  return std::any_of(queue.ready.begin(), queue.ready.end(), [&lane](const Lane* other) {
    return other->priority() > lane.priority() && other->shape().Shares(lane.shape());
  });
}

void Dispatcher::RecallForPriority() {
  for (const Lane* lane : state_.pipeline.tailed()) {
    if (!GivesWay(*lane)) continue;
    for (WorkerEntry* runner : lane->runners) {
      if (!runner->recalling && runner->recallable() > 0) Recall(state_, *runner);
    }
  }
}

void Dispatcher::RecallForIdle() {
  for (Lane* lane : state_.pipeline.tailed()) {
    if (lane->ready_count() > 0 || !FitsNow(*lane)) continue;
    if (reservable_ == 0 && state_.pool.FindIdle(lane->driver()) == nullptr) continue;
    // One at a time: what comes back is shared out before the next is asked, in the same turn.
    WorkerEntry* runner = state_.pipeline.LongestTail(*lane, now_ms_, look_ms_);
    if (runner == nullptr) continue;
    Recall(state_, *runner);
    for (size_t i = runner->recallable(); i > 0 && Fits(free_, lane->shape()); --i) {
      Subtract(free_, lane->shape());
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
  // A lane may be gone in the next round: nothing of this one stays in it.
  for (Lane* lane : reserved_lanes_) lane->reserved = 0;
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
