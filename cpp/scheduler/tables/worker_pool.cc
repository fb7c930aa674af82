#include "scheduler/tables/worker_pool.h"

#include <algorithm>
#include <tuple>

#include "common/base/limits.h"

namespace rayx::scheduler {

namespace {

// Somebody else may give it a task at any time.
bool IsFree(const WorkerEntry* worker) { return worker->IsSchedulable(); }

}  // namespace

WorkerPool::WorkerPool(Options options) : options_(options) {}

WorkerEntry& WorkerPool::Add(const DriverId* elsewhere_for) {
  auto made = std::make_unique<WorkerEntry>();
  WorkerEntry& worker = *made;
  worker.number = ++last_number_;
  workers_[worker.number] = std::move(made);
  if (elsewhere_for == nullptr) {
    CountState(worker, +1);
    return worker;
  }
  worker.driver = *elsewhere_for;
  worker.is_elsewhere = true;
  worker.state = WorkerState::kIdle;
  ++elsewhere_;
  DriverWorkers& workers = drivers_[worker.driver];
  ++workers.bound;
  workers.idle.push_back(&worker);
  return worker;
}

WorkerEntry* WorkerPool::Find(WorkerNumber number) {
  const auto it = workers_.find(number);
  return it == workers_.end() ? nullptr : it->second.get();
}
const WorkerEntry* WorkerPool::Find(WorkerNumber number) const {
  const auto it = workers_.find(number);
  return it == workers_.end() ? nullptr : it->second.get();
}

WorkerPool::IdleList& WorkerPool::IdleListOf(const WorkerEntry& worker) {
  return worker.IsBound() ? drivers_[worker.driver].idle : unbound_idle_;
}

void WorkerPool::CountState(const WorkerEntry& worker, int change) {
  if (worker.is_elsewhere) return;
  const auto step = static_cast<size_t>(change);  // wraps around for -1, as it should
  const bool is_busy = worker.state == WorkerState::kBusy;
  const bool is_blocked = worker.state == WorkerState::kBlocked;
  counts_[static_cast<size_t>(worker.state)] += step;
  if (worker.has_actor) {
    if (is_busy || is_blocked) with_actor_ += step;
    return;
  }
  if (is_busy) drivers_[worker.driver].busy += step;
  if (is_blocked) blocked_without_actor_ += step;
}

void WorkerPool::Move(WorkerEntry& worker, WorkerState next) {
  const uint8_t allowed = kWorkerMoves[static_cast<size_t>(worker.state)];
  RAYX_CHECK_MSG((allowed & Bit(next)) != 0, WorkerStateName(worker.state));
  // Idle workers are taken from the end of their list, unless one ends.
  if (worker.state == WorkerState::kIdle) {
    IdleList& idle = IdleListOf(worker);
    if (idle.back() == &worker) {
      idle.pop_back();
    } else {
      std::erase(idle, &worker);
    }
  }
  if (worker.state == WorkerState::kStarting && next == WorkerState::kIdle) newly_started_ = true;
  CountState(worker, -1);
  worker.state = next;
  CountState(worker, +1);
  if (next != WorkerState::kIdle) return;
  IdleListOf(worker).push_back(&worker);
  worker.idle_since_ms = kTimeUnknown;
  newly_idle_.push_back(worker.number);
}

void WorkerPool::Remove(WorkerEntry& worker) {
  if (worker.state == WorkerState::kIdle) std::erase(IdleListOf(worker), &worker);
  CountState(worker, -1);
  if (worker.IsBound()) {
    const auto it = drivers_.find(worker.driver);
    if (--it->second.bound == 0) drivers_.erase(it);
  }
  if (worker.is_elsewhere) --elsewhere_;
  workers_.erase(worker.number);
}

WorkerEntry* WorkerPool::FindIdle(const DriverId& driver) {
  const auto it = drivers_.find(driver);
  if (it != drivers_.end()) {
    const IdleList& idle = it->second.idle;
    const auto found = std::find_if(idle.rbegin(), idle.rend(), IsFree);
    if (found != idle.rend()) return *found;
  }
  return unbound_idle_.empty() ? nullptr : unbound_idle_.back();
}

void WorkerPool::Bind(WorkerEntry& worker, const DriverId& driver) {
  RAYX_CHECK(worker.state == WorkerState::kIdle);
  if (worker.IsBound()) {
    RAYX_CHECK(worker.driver == driver);
    return;
  }
  std::erase(unbound_idle_, &worker);
  worker.driver = driver;
  DriverWorkers& workers = drivers_[driver];
  ++workers.bound;
  workers.idle.push_back(&worker);
}

void WorkerPool::GiveToActor(WorkerEntry& worker) {
  RAYX_CHECK(worker.state == WorkerState::kBusy && !worker.has_actor);
  CountState(worker, -1);
  worker.has_actor = true;
  CountState(worker, +1);
}

bool WorkerPool::StartsCanWait(int64_t now_ms) const {
  if (!nested()) return false;
  if (count(WorkerState::kStarting) > 0) return true;
  return active() > count(WorkerState::kIdle) && last_start_ms_.has_value() &&
         now_ms < *last_start_ms_ + limits::kNestedStartMs;
}

std::optional<int64_t> WorkerPool::NextStartMs(int64_t now_ms) const {
  if (!StartsCanWait(now_ms) || count(WorkerState::kStarting) > 0) return std::nullopt;
  return *last_start_ms_ + limits::kNestedStartMs;
}

size_t WorkerPool::StartsAllowed(int64_t now_ms) const {
  if (StartsCanWait(now_ms)) return 0;
  size_t room = options_.workers_max - std::min(options_.workers_max, size());
  if (nested()) room = std::min<size_t>(room, 1);
  return std::min(room, backoff_.Allowed(now_ms, count(WorkerState::kStarting)));
}

size_t WorkerPool::PrestartMissing() const {
  const size_t alive = size() - count(WorkerState::kEnding) - with_actor_;
  return options_.prestart - std::min(options_.prestart, alive);
}

template <typename Visit>
void WorkerPool::ForEachIdle(Visit visit) const {
  for (WorkerEntry* worker : unbound_idle_) visit(worker);
  for (const auto& [driver, workers] : drivers_) {
    for (WorkerEntry* worker : workers.idle) visit(worker);
  }
}

WorkerEntry* WorkerPool::LongestIdleBound() {
  WorkerEntry* longest = nullptr;
  for (const auto& [driver, workers] : drivers_) {
    const auto found = std::find_if(workers.idle.begin(), workers.idle.end(), IsFree);
    if (found == workers.idle.end()) continue;
    WorkerEntry* first = *found;
    const auto key =
        std::tuple(first->idle_since_ms == kTimeUnknown, first->idle_since_ms, first->number);
    if (longest == nullptr || key < std::tuple(longest->idle_since_ms == kTimeUnknown,
                                               longest->idle_since_ms, longest->number)) {
      longest = first;
    }
  }
  return longest;
}

std::vector<WorkerEntry*> WorkerPool::TooLongIdle(int64_t now_ms) {
  std::vector<WorkerEntry*> ending;
  const size_t surplus = Surplus();
  if (surplus == 0) return ending;
  ForEachIdle([&](WorkerEntry* worker) {
    const bool stamped = worker->idle_since_ms != kTimeUnknown;
    if (IsFree(worker) && stamped && worker->idle_since_ms + limits::kIdleWorkerMs <= now_ms)
      ending.push_back(worker);
  });
  std::sort(ending.begin(), ending.end(), [](const WorkerEntry* a, const WorkerEntry* b) {
    return std::tuple(a->idle_since_ms, a->number) < std::tuple(b->idle_since_ms, b->number);
  });
  if (ending.size() > surplus) ending.resize(surplus);
  return ending;
}

std::optional<int64_t> WorkerPool::NextIdleEndMs() const {
  std::optional<int64_t> next;
  if (Surplus() == 0) return next;
  ForEachIdle([&](const WorkerEntry* worker) {
    if (worker->idle_since_ms == kTimeUnknown || !IsFree(worker)) return;
    const int64_t end_ms = worker->idle_since_ms + limits::kIdleWorkerMs;
    if (!next.has_value() || end_ms < *next) next = end_ms;
  });
  return next;
}

void WorkerPool::StampIdle(int64_t now_ms) {
  for (const WorkerNumber number : newly_idle_) {
    WorkerEntry* worker = Find(number);
    if (worker != nullptr && worker->state == WorkerState::kIdle) worker->idle_since_ms = now_ms;
  }
  newly_idle_.clear();
  if (newly_started_) last_start_ms_ = now_ms;
  newly_started_ = false;
}

bool WorkerPool::HasUsable(const DriverId& driver) const {
  if (!unbound_idle_.empty() || count(WorkerState::kStarting) > 0) return true;
  const auto it = drivers_.find(driver);
  return it != drivers_.end() && (!it->second.idle.empty() || it->second.busy > 0);
}

std::vector<WorkerEntry*> WorkerPool::BoundTo(const DriverId& driver) {
  std::vector<WorkerEntry*> bound;
  for (const auto& [number, worker] : workers_) {
    if (worker->driver == driver) bound.push_back(worker.get());
  }
  std::sort(bound.begin(), bound.end(),
            [](const WorkerEntry* a, const WorkerEntry* b) { return a->number < b->number; });
  return bound;
}

bool WorkerPool::AllHavePrefetched(size_t count) const {
  if (this->count(WorkerState::kStarting) > 0) return false;
  bool some = false;
  for (const auto& [number, worker] : workers_) {
    if (worker->is_elsewhere) continue;
    if (worker->state != WorkerState::kBusy || (worker->has_actor && worker->prefetched() == 0))
      continue;
    if (worker->prefetched() < count) return false;
    some = true;
  }
  return some;
}

void WorkerPool::SanityCheck() const {
  std::array<size_t, kWorkerStates> counts{};
  std::unordered_map<DriverId, DriverWorkers> drivers;
  size_t idle_listed = unbound_idle_.size();
  size_t with_actor = 0;
  size_t blocked = 0;
  size_t elsewhere = 0;
  for (const auto& [number, worker] : workers_) {
    RAYX_CHECK(worker->number == number);
    if (worker->is_elsewhere) {
      ++elsewhere;
      ++drivers[worker->driver].bound;
      idle_listed -= worker->state == WorkerState::kIdle ? 1 : 0;
      continue;
    }
    ++counts[static_cast<size_t>(worker->state)];
    if (!worker->IsBound()) continue;
    ++drivers[worker->driver].bound;
    const bool is_busy = worker->state == WorkerState::kBusy;
    const bool is_blocked = worker->state == WorkerState::kBlocked;
    if (worker->has_actor && (is_busy || is_blocked)) ++with_actor;
    if (!worker->has_actor && is_busy) ++drivers[worker->driver].busy;
    if (!worker->has_actor && is_blocked) ++blocked;
  }
  RAYX_CHECK(counts == counts_);
  RAYX_CHECK(with_actor == with_actor_ && blocked == blocked_without_actor_);
  RAYX_CHECK(elsewhere == elsewhere_);
  RAYX_CHECK(drivers.size() == drivers_.size());
  for (const auto& [driver, workers] : drivers_) {
    RAYX_CHECK(drivers[driver].bound == workers.bound && drivers[driver].busy == workers.busy);
    idle_listed += workers.idle.size();
  }
  RAYX_CHECK(idle_listed == count(WorkerState::kIdle));
  ForEachIdle([](const WorkerEntry* worker) { RAYX_CHECK(worker->state == WorkerState::kIdle); });
  for (const WorkerEntry* worker : unbound_idle_) RAYX_CHECK(!worker->IsBound());
  RAYX_CHECK(size() <= options_.workers_max);
}

}  // namespace rayx::scheduler
