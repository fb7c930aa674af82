#include "scheduler/explanations/explain.h"

#include <algorithm>
#include <vector>

#include "scheduler/explanations/hold_up.h"

namespace rayx::scheduler {
namespace {

// A few ids say enough; a task may wait for thousands.
constexpr size_t kIdsNamed = 5;

std::string ExplainWaiting(const SchedulerState& state, const TaskEntry& task) {
  std::string ids;
  size_t named = 0;
  for (const ObjectId& id : task.spec.dependencies) {
    if (!state.dependencies.IsMissing(id)) continue;
    if (++named > kIdsNamed) break;
    ids += (ids.empty() ? "" : ", ") + id.Hex();
  }
  const size_t missing = std::get<WaitingArgs>(task.phase).missing;
  return "waits for " + CountOf(missing, "object") + " that " + (missing == 1 ? "is" : "are") +
         " not available yet: " + ids + (named > kIdsNamed ? ", …" : "") + ".";
}

std::string ExplainReady(const SchedulerState& state, const TaskEntry& task) {
  const std::string lack = LackText(state, task);
  if (!lack.empty()) return lack;
  return "needs " + task.scheduling_class->shape().demand.ToString() + ", which is free, and " +
         NoWorkerText(state) + " " + CountOf(state.queue.size(), "task") +
         " of this node are ready.";
}

// A call that no worker holds.
std::string ExplainCall(const SchedulerState& state, const TaskEntry& call) {
  const ActorEntry& actor = *call.actor;
  std::string text = "is a call of actor " + actor.class_name + " (" + actor.id.Hex() +
                     "), which is " + std::string(ActorStateName(actor.state)) + ". It ";
  if (call.state() == TaskState::kWaitingArgs) text += ExplainWaiting(state, call) + " It ";
  const std::deque<TaskEntry*>& calls = actor.callers.at(call.caller).calls;
  const auto place = std::find(calls.begin(), calls.end(), &call);
  const auto before = static_cast<size_t>(place - calls.begin());
  text += "stands behind " + CountOf(before, "call") + " of its caller.";
  if (before > 0 && calls.front()->state() == TaskState::kWaitingArgs) {
    text += " The first of them " + ExplainWaiting(state, *calls.front());
  }
  if (actor.state == ActorState::kAlive) return text;
  return text + " The actor is not there yet: " + ExplainTask(state, actor.id);
}

std::string ExplainAssigned(const SchedulerState& state, const TaskEntry& task) {
  const Assigned& assigned = task.assigned();
  const WorkerEntry& worker = *state.pool.Find(assigned.worker);
  const std::string name = WorkerName(worker);
  if (task.IsCall()) {
    const size_t index = worker.IndexOf(assigned.sequence);
    return "is a call of actor " + task.actor->class_name + " (" + task.actor->id.Hex() +
           ") and was handed to it on " + name + ", where it stands behind " +
           CountOf(index - 1, "call") + (task.failed ? "; its results have failed." : ".");
  }
  if (worker.held.front().task != &task) {
    size_t before = 0;
    while (worker.held[before].task != &task) ++before;
    return "was handed to " + name + " ahead of time and stands behind " + CountOf(before, "task") +
           " there.";
  }
  std::string text = "runs on " + name;
  if (worker.is_elsewhere) text = "is given to another node, which is to have its actor";
  if (task.IsCreation() && task.actor->state == ActorState::kAlive) {
    text = "has made its actor, which lives on " + name + " and has been given " +
           CountOf(worker.prefetched(), "call");
  }
  if (task.interruption.sent) text += ", where it was interrupted and has not stopped yet";
  if (worker.gave_back_cpu)
    text += ", where it is blocked in get or wait and has given its CPUs back";
  if (worker.state == WorkerState::kEnding) text += "; that worker is being ended";
  return text + ".";
}

std::string WorkerLine(const WorkerEntry& worker) {
  std::string line =
      "  worker " + worker.number.ToString() + " " + std::string(WorkerStateName(worker.state));
  if (worker.IsBound()) line += ", driver " + worker.driver.Hex();
  if (worker.held.empty()) return line + "\n";
  const TaskSpec& spec = worker.held.front().task->spec;
  line +=
      (worker.has_actor ? ", has actor " : ", runs ") + spec.name + " (task " + spec.id.Hex() + ")";
  if (worker.prefetched() > 0)
    line += ", " + std::to_string(worker.prefetched()) + " more behind it";
  if (worker.revoking) line += ", being revoked";
  return line + "\n";
}

std::string ClassLine(const SchedulingClass& scheduling_class) {
  std::string line = "  ready: " + CountOf(scheduling_class.ready_count(), "task") + " of driver " +
                     scheduling_class.driver().Hex() + " asking for " +
                     scheduling_class.shape().demand.ToString() + ", next " +
                     scheduling_class.Head()->spec.name;
  if (scheduling_class.wait.watched) {
    for (const HeadWait::Need& need : scheduling_class.wait.needs) {
      if (need.bypassed > 0) line += ", bypassed " + std::to_string(need.bypassed) + " times";
    }
  }
  return line + "\n";
}

std::string ActorLines(const SchedulerState& state, size_t most) {
  std::vector<const ActorEntry*> actors;
  for (const auto& [id, actor] : state.actors.all()) actors.push_back(&actor);
  std::sort(actors.begin(), actors.end(),
            [](const ActorEntry* a, const ActorEntry* b) { return a->id < b->id; });
  std::string text;
  for (size_t i = 0; i < std::min(most, actors.size()); ++i) {
    const ActorEntry& actor = *actors[i];
    size_t calls = 0;
    for (const auto& [caller, queue] : actor.callers) calls += queue.calls.size();
    text += "  actor " + actor.class_name + " (" + actor.id.Hex() + ") " +
            std::string(ActorStateName(actor.state)) +
            (actor.name.empty() ? "" : ", named " + actor.name) + ", " + CountOf(calls, "call") +
            " queued" + (actor.cause.empty() ? "" : ": " + actor.cause) + "\n";
  }
  if (actors.size() > most) text += "  … " + CountOf(actors.size() - most, "more actor") + "\n";
  return text;
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
  if (task.IsCall() && task.state() != TaskState::kAssigned) return text + ExplainCall(state, task);
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
  if (task.attempt > 0) text += " " + CountOf(task.attempt, "worker") + " died while running it.";
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
  text += ActorLines(state, most);
  std::vector<const WorkerEntry*> workers;
  for (const auto& [number, worker] : pool.all()) workers.push_back(worker.get());
  std::sort(workers.begin(), workers.end(),
            [](const WorkerEntry* a, const WorkerEntry* b) { return a->number < b->number; });
  for (size_t i = 0; i < std::min(most, workers.size()); ++i) text += WorkerLine(*workers[i]);
  if (workers.size() > most) text += "  … " + CountOf(workers.size() - most, "more worker") + "\n";
  size_t classes = 0;
  for (const DriverQueue* queue : state.queue.ready_drivers()) {
    for (const SchedulingClass* scheduling_class : queue->ready) {
      if (++classes <= most) text += ClassLine(*scheduling_class);
    }
  }
  if (classes > most) text += "  … " + CountOf(classes - most, "more kind") + " of ready tasks\n";
  return text;
}

}  // namespace rayx::scheduler
