#include "scheduler/explanations/hold_up.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace rayx::scheduler {
namespace {

// A few names say enough; hundreds of workers may hold what one task lacks.
constexpr size_t kNamed = 5;
// Tasks that wait for each other's results, one after the other: further away, nobody follows.
constexpr size_t kChainMax = 100;

std::string PidOf(const WorkerEntry& worker) {
  if (worker.is_elsewhere) return "at another node";
  return worker.pid > 0 ? "pid " + std::to_string(worker.pid)
                        : "worker " + worker.number.ToString();
}

// "a, b, c, …"
template <typename Items, typename Text>
std::string Listed(const Items& items, Text text) {
  std::string list;
  size_t named = 0;
  for (const auto& item : items) {
    if (++named > kNamed) return list + ", …";
    list += (named > 1 ? ", " : "") + text(item);
  }
  return list;
}

bool Lacks(const SchedulerState& state, const Shape& shape, const Shape::Item& item) {
  if (item.resource == state.ledger.gpu() && !state.gpus.HasRoom(shape.gpu_units)) return true;
  return state.ledger.available()[item.resource] < item.units;
}

std::vector<Shape::Item> LackedBy(const SchedulerState& state, const Shape& shape) {
  std::vector<Shape::Item> lacked;
  for (const Shape::Item& item : shape.items) {
    if (Lacks(state, shape, item)) lacked.push_back(item);
  }
  return lacked;
}

const std::string& NameOf(const SchedulerState& state, ResourceIndex resource) {
  return state.ledger.total().items()[resource].first;
}

// "1 CPU, 0 of 2 free"
std::string LackedText(const SchedulerState& state, const Shape::Item& item) {
  const auto text = [](int64_t units) {
    return ResourceAmount::FromUnits(std::max<int64_t>(units, 0)).ToString();
  };
  const int64_t available = state.ledger.available()[item.resource];
  return text(item.units) + " " + NameOf(state, item.resource) + ", " + text(available) + " of " +
         text(state.ledger.total_amounts()[item.resource]) +
         (available >= item.units ? " free, but in pieces" : " free");
}

// Those that hold one thing: the workers of actors of one class, or those that run one function.
struct Holders {
  // The workers by the name of what holds it, in order of their numbers.
  std::map<std::string, std::vector<const WorkerEntry*>> actors;
  std::map<std::string, std::vector<const WorkerEntry*>> tasks;

  bool only_actors() const { return !actors.empty() && tasks.empty(); }
};

Holders FindHolders(const SchedulerState& state, const std::vector<Shape::Item>& lacked) {
  Holders holders;
  for (const auto& [number, worker] : state.pool.all()) {
    if (worker->held.empty() || worker->scheduling_class == nullptr) continue;
    const Shape& shape = worker->scheduling_class->shape();
    const bool holds = std::any_of(lacked.begin(), lacked.end(), [&](const Shape::Item& item) {
      const bool gave_back = worker->gave_back_cpu && item.resource == state.ledger.cpu();
      return shape.Uses(item.resource) && !gave_back;
    });
    if (!holds) continue;
    auto& group = worker->has_actor ? holders.actors : holders.tasks;
    group[worker->held.front().task->spec.name].push_back(worker.get());
  }
  for (auto* group : {&holders.actors, &holders.tasks}) {
    for (auto& [name, workers] : *group) {
      std::sort(workers.begin(), workers.end(),
                [](const WorkerEntry* a, const WorkerEntry* b) { return a->number < b->number; });
    }
  }
  return holders;
}

// "actors A (pid 1, pid 2), B (pid 3)"; empty if there are none.
std::string GroupText(const char* noun,
                      const std::map<std::string, std::vector<const WorkerEntry*>>& group) {
  if (group.empty()) return "";
  const bool is_one = group.size() == 1 && group.begin()->second.size() == 1;
  return noun + std::string(is_one ? " " : "s ") + Listed(group, [](const auto& named) {
           return named.first + " (" +
                  Listed(named.second, [](const WorkerEntry* one) { return PidOf(*one); }) + ")";
         });
}

std::string HoldersText(const Holders& holders) {
  const std::string actors = GroupText("actor", holders.actors);
  const std::string tasks = GroupText("task", holders.tasks);
  return actors + (actors.empty() || tasks.empty() ? "" : " and ") + tasks;
}

// What to do, which nobody need be told who only has to wait.
std::string Advice(const SchedulerState& state, const std::vector<Shape::Item>& lacked) {
  const bool of_cpu = lacked.front().resource == state.ledger.cpu();
  return " An actor keeps what it holds for as long as it lives: end one with rayx.kill or by "
         "dropping its handles, those that other actors keep included" +
         std::string(of_cpu ? ", make it with num_cpus=0 if it mostly waits" : "") +
         ", or start the session with more (rayx.init).";
}

std::optional<HoldUp> OfReady(const SchedulerState& state, const TaskEntry& task) {
  const std::vector<Shape::Item> lacked = LackedBy(state, task.scheduling_class->shape());
  // In a burst, most questions come when something has just ended and nothing has been decided yet.
  if (lacked.empty() && state.changed) return std::nullopt;
  if (lacked.empty()) return HoldUp{"no worker", task.spec.name + " " + NoWorkerText(state)};
  std::string cause = "lacks";
  for (const Shape::Item& item : lacked) cause += " " + NameOf(state, item.resource);
  const Holders holders = FindHolders(state, lacked);
  for (const auto& [name, workers] : holders.actors) cause += ", actor " + name;
  for (const auto& [name, workers] : holders.tasks) cause += ", task " + name;
  return HoldUp{cause, task.spec.name + " " + LackText(state, task)};
}

// How many calls are handed out or queued before this one; it is not the first of them that runs.
HoldUp OfCall(const ActorEntry& actor, const WorkerEntry& worker, const TaskEntry& call,
              size_t before) {
  const TaskEntry* first = worker.held.size() > 1 ? worker.held[1].task : nullptr;
  std::string text = call.spec.name + " stands behind " + CountOf(before, "call") + " of actor " +
                     actor.class_name + " (" + PidOf(worker) + ")";
  if (first != nullptr && first != &call) {
    text += ", which runs " + first->spec.name +
            (worker.gave_back_cpu ? ", and that waits in get or wait itself" : "");
  }
  return {"calls of " + actor.class_name, text + "."};
}

std::optional<HoldUp> OfQueuedCall(const SchedulerState& state, const TaskEntry& call) {
  const ActorEntry& actor = *call.actor;
  if (actor.state != ActorState::kAlive) return FindHoldUp(state, actor.id);
  const std::deque<TaskEntry*>& calls = actor.callers.at(call.caller).calls;
  const auto place = std::find(calls.begin(), calls.end(), &call);
  const WorkerEntry& worker = *state.pool.Find(actor.creation->assigned().worker);
  return OfCall(actor, worker, call,
                static_cast<size_t>(place - calls.begin()) + worker.prefetched());
}

std::optional<HoldUp> OfAssigned(const SchedulerState& state, const TaskEntry& task) {
  const Assigned& assigned = task.assigned();
  const WorkerEntry& worker = *state.pool.Find(assigned.worker);
  const size_t index = worker.IndexOf(assigned.sequence);
  if (task.IsCall()) {
    // The creation is the first of all.
    if (index <= task.actor->max_concurrency) return std::nullopt;
    return OfCall(*task.actor, worker, task, index - 1);
  }
  if (index == 0 || index >= worker.held.size()) return std::nullopt;
  const std::string& runs = worker.held.front().task->spec.name;
  return HoldUp{"behind " + runs, task.spec.name + " stands behind " + CountOf(index, "task") +
                                      " on " + WorkerName(worker) + ", which runs " + runs + "."};
}

}  // namespace

std::string CountOf(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string WorkerName(const WorkerEntry& worker) {
  if (worker.is_elsewhere) return "a worker of another node";
  return "worker " + worker.number.ToString() +
         (worker.pid > 0 ? " (pid " + std::to_string(worker.pid) + ")" : "");
}

std::string LackText(const SchedulerState& state, const TaskEntry& task) {
  const std::vector<Shape::Item> lacked = LackedBy(state, task.scheduling_class->shape());
  if (lacked.empty()) return "";
  std::string text = "needs ";
  for (size_t i = 0; i < lacked.size(); ++i) {
    text += (i > 0 ? ", and " : "") + LackedText(state, lacked[i]);
  }
  const Holders holders = FindHolders(state, lacked);
  const std::string held_by = HoldersText(holders);
  if (!held_by.empty()) text += ": held by " + held_by;
  const size_t queued = state.queue.size();
  text += ". " + CountOf(queued, "task") + (queued == 1 ? " is queued." : " are queued.");
  return holders.only_actors() ? text + Advice(state, lacked) : text;
}

std::string NoWorkerText(const SchedulerState& state) {
  const WorkerPool& pool = state.pool;
  const std::string text = "waits for a worker: ";
  const size_t starting = pool.count(WorkerState::kStarting);
  if (starting > 0) return text + CountOf(starting, "worker") + " of this node being started.";
  if (pool.full()) {
    return text + "all " + std::to_string(pool.size()) + " that this node may have are in use, " +
           std::to_string(pool.count(WorkerState::kBlocked)) + " of them blocked.";
  }
  if (pool.backoff().NextMs().has_value()) {
    return text + "starting one failed and is tried again later. The last attempt: " +
           pool.backoff().description();
  }
  return text + "one is started in the next round of decisions.";
}

std::optional<HoldUp> FindHoldUp(const SchedulerState& state, const TaskId& id) {
  auto it = state.tasks.find(id);
  for (size_t steps = 0; it != state.tasks.end() && steps < kChainMax; ++steps) {
    const TaskEntry& task = it->second;
    if (task.state() != TaskState::kWaitingArgs) {
      if (task.IsCall() && task.state() != TaskState::kAssigned) return OfQueuedCall(state, task);
      return task.state() == TaskState::kReady ? OfReady(state, task) : OfAssigned(state, task);
    }
    // The first that is missing, as `get` waits for the first of a list.
    const auto& ids = task.spec.dependencies;
    const auto missing = std::find_if(ids.begin(), ids.end(), [&](const ObjectId& one) {
      return state.dependencies.IsMissing(one);
    });
    if (missing == ids.end()) return std::nullopt;
    it = state.tasks.find(missing->Task());
    if (it == state.tasks.end()) {
      return HoldUp{"an object that nobody makes",
                    task.spec.name + " waits for the object " + missing->Hex() +
                        ", which is not there, and which no task makes."};
    }
  }
  return std::nullopt;
}

size_t CountUnfinished(const SchedulerState& state, const DriverId& driver) {
  return static_cast<size_t>(
      std::count_if(state.tasks.begin(), state.tasks.end(), [&driver](const auto& entry) {
        const TaskEntry& task = entry.second;
        return task.spec.driver == driver && !task.IsCreation() && !task.failed;
      }));
}

}  // namespace rayx::scheduler
