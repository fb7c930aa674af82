#include "scheduler/explain.h"

#include <algorithm>
#include <vector>

namespace rayx::scheduler {
namespace {

// A few ids say enough; a task may wait for thousands.
constexpr size_t kIdsNamed = 5;

std::string Count(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string ExplainWaiting(const SchedulerState& state, const TaskEntry& task) {
  std::string ids;
  size_t named = 0;
  for (const ObjectId& id : task.spec.dependencies) {
    if (!state.dependencies.IsMissing(id)) continue;
    if (++named > kIdsNamed) break;
    ids += (ids.empty() ? "" : ", ") + id.Hex();
  }
  const size_t missing = std::get<WaitingArgs>(task.phase).missing;
  return "waits for " + Count(missing, "object") + " that " + (missing == 1 ? "is" : "are") +
         " not available yet: " + ids + (named > kIdsNamed ? ", …" : "") + ".";
}

std::string ExplainNoWorker(const SchedulerState& state) {
  const WorkerPool& pool = state.pool;
  std::string text = "waits for a worker: ";
  const size_t starting = pool.count(WorkerState::kStarting);
  if (starting > 0) return text + Count(starting, "worker") + " of this node being started.";
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

std::string ExplainReady(const SchedulerState& state, const TaskEntry& task) {
  const Lane& lane = *task.lane;
  const std::string asked = lane.shape().demand.ToString();
  const std::string behind = " " + Count(state.queue.size(), "task") + " of this node are ready.";
  if (Fits(state.ledger.available(), lane.shape())) {
    return "is ready, and its resources " + asked + " are free; it " + ExplainNoWorker(state) +
           behind;
  }
  return "is ready, but asks for " + asked + " while " + state.ledger.AvailableSet().ToString() +
         " of " + state.options.total.ToString() + " is free." + behind;
}

std::string ExplainAssigned(const SchedulerState& state, const TaskEntry& task) {
  const Assigned& assigned = task.assigned();
  const WorkerEntry& worker = *state.pool.Find(assigned.worker);
  const std::string name = "worker " + std::to_string(worker.number);
  if (worker.held.front().task != &task) {
    size_t before = 0;
    while (worker.held[before].task != &task) ++before;
    return "was handed to " + name + " ahead of time and stands behind " + Count(before, "task") +
           " there.";
  }
  std::string text = "runs on " + name;
  if (worker.gave_back_cpu)
    text += ", where it is blocked in get or wait and has given its CPUs back";
  if (worker.state == WorkerState::kEnding) text += "; that worker is being ended";
  return text + ".";
}

std::string WorkerLine(const WorkerEntry& worker) {
  std::string line = "  worker " + std::to_string(worker.number) + " " +
                     std::string(WorkerStateName(worker.state));
  if (worker.IsBound()) line += ", driver " + worker.driver.Hex();
  if (worker.held.empty()) return line + "\n";
  const TaskSpec& spec = worker.held.front().task->spec;
  line += ", runs " + spec.name + " (task " + spec.id.Hex() + ")";
  if (worker.tail() > 0) line += ", " + std::to_string(worker.tail()) + " more behind it";
  if (worker.recalling) line += ", being recalled";
  return line + "\n";
}

std::string LaneLine(const Lane& lane) {
  std::string line = "  ready: " + Count(lane.ready_count(), "task") + " of driver " +
                     lane.driver().Hex() + " asking for " + lane.shape().demand.ToString() +
                     ", next " + lane.Head()->spec.name;
  if (lane.wait.watched) {
    for (const HeadWait::Need& need : lane.wait.needs) {
      if (need.bypassed > 0) line += ", bypassed " + std::to_string(need.bypassed) + " times";
    }
  }
  return line + "\n";
}

}  // namespace

std::string ExplainTask(const SchedulerState& state, const TaskId& id) {
  const auto it = state.tasks.find(id);
  if (it == state.tasks.end()) {
    return "Task " + id.Hex() + " is not known to node " + state.options.node_name +
           ": it has ended, or was never submitted here.";
  }
  const TaskEntry& task = it->second;
  std::string text = task.spec.name + " (task " + id.Hex() + ") ";
  switch (task.state()) {
    case TaskState::kWaitingArgs:
      text += ExplainWaiting(state, task);
      break;
    case TaskState::kReady:
      text += ExplainReady(state, task);
      break;
    case TaskState::kAssigned:
      text += ExplainAssigned(state, task);
      break;
  }
  if (task.attempt > 0) text += " " + Count(task.attempt, "worker") + " died while running it.";
  return text;
}

std::string DebugLines(const SchedulerState& state, size_t most) {
  const WorkerPool& pool = state.pool;
  std::string text = "scheduler of node " + state.options.node_name + ": available " +
                     state.ledger.AvailableSet().ToString() + " of " +
                     state.options.total.ToString() + "\n";
  text += "  tasks: " + std::to_string(state.dependencies.size()) + " waiting for objects, " +
          std::to_string(state.queue.size()) + " ready, " + std::to_string(state.tasks_assigned) +
          " assigned, " + std::to_string(state.tasks_finished) + " finished, " +
          std::to_string(state.tasks_retried) + " retried\n";
  std::vector<const WorkerEntry*> workers;
  for (const auto& [number, worker] : pool.all()) workers.push_back(worker.get());
  std::sort(workers.begin(), workers.end(),
            [](const WorkerEntry* a, const WorkerEntry* b) { return a->number < b->number; });
  for (size_t i = 0; i < std::min(most, workers.size()); ++i) text += WorkerLine(*workers[i]);
  if (workers.size() > most) text += "  … " + Count(workers.size() - most, "more worker") + "\n";
  size_t lanes = 0;
  for (const DriverQueue* queue : state.queue.ready_drivers()) {
    for (const Lane* lane : queue->ready) {
      if (++lanes <= most) text += LaneLine(*lane);
    }
  }
  if (lanes > most) text += "  … " + Count(lanes - most, "more kind") + " of ready tasks\n";
  return text;
}

}  // namespace rayx::scheduler
