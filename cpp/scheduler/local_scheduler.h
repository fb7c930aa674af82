// The scheduler of one node: which task runs when, on which worker.
//
// A core: no socket, no clock, no process. Events come in as calls, Schedule() decides once a turn
// of the daemon's loop, and what should follow is appended to the outbox (effects.h). No call
// re-enters.
//
// States of a task and of a worker, and what follows from each event, stand in README.md.
//
// Rules: a task runs when its dependencies are available and its resources are free, in order of
// arrival among tasks of the same shape (resources); a task that does not fit does not hold up
// those behind it, and is not starved by them (after limits in ready_queue.h its resources are kept
// for it). A worker blocked in get gives its CPUs back (only CPU; GPUs and custom resources stay
// with the task). A worker serves one driver from its first task on. Tasks of the same driver and
// shape may be handed to a busy worker ahead of time (limits::kPipelineDepth), and are recalled
// when another worker could run them or when the worker blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/resources.h"
#include "common/protocol/task_spec.h"
#include "scheduler/effects.h"

namespace rayx::scheduler {

struct SchedulerState;

struct SchedulerOptions {
  ResourceSet total;
  // Workers started before a task asks, and idle workers that are kept for ever. Usually the CPU
  // count.
  size_t prestart_workers = 0;
  size_t workers_max = 4096;
  // False: a worker gets one task at a time.
  bool pipeline = true;
  // A worker that was given so many tasks ends when it is idle: numbers of tasks must not wrap
  // around.
  uint32_t tasks_per_worker_max = 1u << 30;
  // The name of this node in error texts.
  std::string node_name;
};

// How a worker ended, for the error text of the task it ran.
struct WorkerEnd {
  // How many of its tasks the worker had begun (from its claim word): those after are given to
  // others without costing an attempt.
  uint32_t begun_sequence = 0;
  // "worker pid 4711 was killed by signal 9 (SIGKILL)", with the last lines it printed.
  std::string description;
  // The worker never became ready: starting failed.
  bool start_failed = false;
};

struct SchedulerStats {
  size_t tasks_waiting = 0;  // for dependencies
  size_t tasks_ready = 0;
  size_t tasks_assigned = 0;
  size_t workers_starting = 0;
  size_t workers_idle = 0;
  size_t workers_busy = 0;
  size_t workers_blocked = 0;
  uint64_t tasks_finished = 0;
  uint64_t tasks_retried = 0;
};

class LocalScheduler {
 public:
  explicit LocalScheduler(SchedulerOptions options);
  ~LocalScheduler();
  LocalScheduler(const LocalScheduler&) = delete;
  LocalScheduler& operator=(const LocalScheduler&) = delete;

  // --- events ---

  // `missing` are those of the dependencies that are not available yet. A task that can never run
  // here fails at once (FailTask kInfeasible, saying what was asked and what there is). A task id
  // that is known already is ignored. `submitter` is the worker whose running task submitted it,
  // kNoWorker if a driver did: what a task submits runs before what its driver submitted, so that
  // trees of tasks that wait for each other need few workers (lane.h).
  void OnTaskSubmitted(TaskSpec spec, std::span<const ObjectId> missing,
                       WorkerNumber submitter = kNoWorker);
  void OnObjectAvailable(const ObjectId& id);
  // The forked worker has connected and can take tasks.
  void OnWorkerStarted(WorkerNumber worker);
  // The worker has sent TaskDone. InvalidArgument (a protocol error of the worker) if it does not
  // hold the task.
  Status OnTaskFinished(WorkerNumber worker, const TaskId& task, uint32_t sequence);
  // InvalidArgument if the worker runs nothing, or is blocked already / not blocked.
  Status OnWorkerBlocked(WorkerNumber worker);
  Status OnWorkerUnblocked(WorkerNumber worker);
  // Answer to RecallTasks: the worker will not begin tasks with sequence >= `first`. They are ready
  // again, at the places they had. Numbers are not used again: the next task gets the one after the
  // highest that was handed out.
  void OnTasksRecalled(WorkerNumber worker, uint32_t first);
  // The worker is gone, for whatever reason. Its running task is tried again or fails; the others
  // it held are queued again.
  void OnWorkerGone(WorkerNumber worker, const WorkerEnd& end);
  // Its queued tasks are dropped (TaskEnded), its workers stopped (StopWorker kill).
  void OnDriverGone(const DriverId& driver);
  // Time passes. If NextTickMs() has come, the next Schedule() looks at what depends on time: idle
  // workers beyond `prestart_workers` end after limits::kIdleWorkerMs, failed starts are tried
  // again, waits become too long.
  void OnTick(int64_t now_ms);

  // Decides: assigns ready tasks, asks for workers, recalls. Call once a turn, after the events,
  // and drain the effects before the next event; if draining led to OnTasksRecalled, call it again.
  // Cheap when nothing has happened.
  void Schedule(int64_t now_ms);

  // --- questions ---

  // Null if unknown. Valid until the next event.
  const TaskSpec* FindTask(const TaskId& id) const;
  // A worker holds the task.
  bool IsAssigned(const TaskId& id) const;
  // The task that the worker runs or, if unsure which it has begun, the oldest it holds; null if
  // none.
  const TaskSpec* RunningTask(WorkerNumber worker) const;
  // Nil until the worker has been given its first task.
  DriverId DriverOf(WorkerNumber worker) const;
  const ResourceSet& total() const;
  ResourceSet available() const;
  SchedulerStats Stats() const;
  // When OnTick should be called next; nothing if no time matters now.
  std::optional<int64_t> NextTickMs() const;
  // One paragraph: why the task is not running, or what it does. For dumps and time-out messages.
  std::string Explain(const TaskId& id) const;
  // Lines for a debug dump.
  std::string DebugText(size_t most) const;

  std::vector<Effect> TakeEffects();

  // CHECKs every cross reference: tasks against workers, queues and dependency tracker; resources
  // add up.
  void SanityCheck() const;

 private:
  std::unique_ptr<SchedulerState> state_;
};

}  // namespace rayx::scheduler
