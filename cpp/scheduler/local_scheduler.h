// The scheduler of one node: which task runs when, on which worker.
//
// A core: no socket, no clock, no process. Events come in as calls, Schedule() decides once a turn
// of the daemon's loop, and what should follow is appended to the outbox (effects.h). No call
// re-enters.
//
// States of a task, a worker and an actor, and what follows from each event, stand in README.md.
//
// Rules: a task runs when its dependencies are available and its resources are free, in order of
// arrival among tasks of the same shape (resources); a task that does not fit does not hold up
// those behind it, and is not starved by them (after limits in ready_queue.h its resources are kept
// for it). A worker blocked in get gives its CPUs back (only CPU; GPUs and custom resources stay
// with the task). A worker serves one driver from its first task on. Tasks of the same driver and
// shape may be prefetched for a busy worker (limits::kPipelineDepth), and are revoked
// when another worker could run them or when the worker blocks.
//
// An actor is a task (TaskKind::kActorCreation) that its worker keeps for as long as the actor
// lives; its id is the id of that task, its first return value stands for it. Calls
// (TaskKind::kActorCall) wait in queues of their own, one for each actor and caller, and go to that
// worker in order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/resources.h"
#include "common/protocol/task_spec.h"
#include "scheduler/explanations/scheduler_reports.h"
#include "scheduler/types/effects.h"
#include "scheduler/types/options.h"
#include "scheduler/types/reports.h"

namespace rayx::scheduler {

struct SchedulerState;

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
  // trees of tasks that wait for each other need few workers (scheduling_class.h). `caller` is the
  // session that submitted it: an actor begins the calls of one caller in the order of this event.
  // A call of an actor that is dead, not known, or not of the same driver fails (FailTask
  // kActorDied), and so does a creation with the name of another actor of the driver.
  void OnTaskSubmitted(TaskSpec spec, std::span<const ObjectId> missing,
                       WorkerNumber submitter = kNoWorker, const CallerId& caller = {});
  // The submitter has given the task, which has no dependencies, to the worker on which it has a
  // lease itself, as number `sequence` (lease.h). InvalidArgument if that cannot be. If the worker
  // has gone meanwhile, or is ending, it has not begun the task: as OnTaskSubmitted.
  Status OnTaskGivenDirectly(TaskSpec spec, WorkerNumber worker, uint32_t sequence,
                             const CallerId& caller);
  // Somebody may give the worker tasks directly from now on. False: it cannot be leased now.
  bool OnLeaseOpened(WorkerNumber worker);
  // Nobody does any more.
  void OnLeaseClosed(WorkerNumber worker);
  // Answer to ReclaimWorker, as OnLeaseClosed is: not yet, a task is on its way.
  void OnLeaseInUse(WorkerNumber worker);
  void OnObjectAvailable(const ObjectId& id);
  // The forked worker has connected and can take tasks. `pid`: as texts name it, if it is not 0.
  void OnWorkerStarted(WorkerNumber worker, int64_t pid = 0);
  // The worker has sent TaskDone. InvalidArgument (a protocol error of the worker) if it does not
  // hold the task, unless it is being ended. `failed`: the function raised, which only matters for
  // the creation of an actor: then that is dead. The calls of an actor may end in any order.
  Status OnTaskFinished(WorkerNumber worker, const TaskId& task, uint32_t sequence,
                        bool failed = false);
  // The task, a stream, has made an item: it is not tried again. Unknown tasks are ignored.
  void OnItemMade(const TaskId& task);
  // The task's worker has stored one of its results ahead of TaskDone. A task that has stored all
  // of them does not fail if its worker goes before it can say so. Unknown tasks are ignored.
  void OnResultMade(const TaskId& task);
  // InvalidArgument if the worker runs nothing, or is blocked already / not blocked.
  Status OnWorkerBlocked(WorkerNumber worker);
  Status OnWorkerUnblocked(WorkerNumber worker);
  // Answer to RevokeTasks: the worker will not begin tasks with sequence >= `first`. They are ready
  // again, at the places they had. Numbers are not used again: the next task gets the one after the
  // highest that was handed out.
  void OnTasksRevoked(WorkerNumber worker, uint32_t first);
  // The worker is gone, for whatever reason. Its running task is tried again or fails; the others
  // it held are queued again.
  void OnWorkerGone(WorkerNumber worker, const WorkerEnd& end);
  // Its queued tasks are dropped (TaskEnded), its workers stopped (StopWorker kill).
  void OnDriverGone(const DriverId& driver);
  // The driver is about to go, and waits for those of its workers that have something to finish. Of
  // those that run nothing, the ones with an actor end, and others for which `has_work` says so
  // (StopWorker, no kill); what waits for these actors is dropped.
  void OnDriverEnding(const DriverId& driver, const std::function<bool(WorkerNumber)>& has_work);
  // Workers of the driver that have been told to end and are not gone.
  std::vector<WorkerNumber> EndingWorkersOf(const DriverId& driver) const;
  // Nobody refers to the object that stands for the actor any more. Its worker ends (StopWorker, no
  // kill). A creation that has not ended is left to end first, but one that waits for inputs is
  // dropped. The actor is forgotten as soon as no worker holds it.
  void OnActorUnreferenced(const TaskId& actor);
  // Ends the actor in any state, without a restart; all its calls fail (FailTask kActorDied) with
  // `reason`: "it was ended by …".
  void OnActorKilled(const TaskId& actor, const std::string& reason);
  // A task that has not begun fails (FailTask kTaskCancelled). One that has is interrupted
  // (InterruptTask). If that does not help for limits::kInterruptGraceMs (or at once, if `force`),
  // its worker is killed and it fails; of the call of an actor only the results fail, the actor is
  // never ended for it. Cancelling a creation that has not ended kills the actor.
  void OnTaskCancelled(const TaskId& task, bool force);
  // The same for all tasks of the driver and all calls of its actors. The actors stay, also those
  // that are still to be made.
  void OnAllCancelled(const DriverId& driver, bool force);
  // Time passes. If NextTickMs() has come, the next Schedule() looks at what depends on time: idle
  // workers beyond `prestart_workers` end after limits::kIdleWorkerMs, failed starts are tried
  // again, waits become too long.
  void OnTick(int64_t now_ms);

  // Decides: assigns ready tasks, asks for workers, revokes. Call once a turn, after the events,
  // and drain the effects before the next event; if draining led to OnTasksRevoked, call it again.
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
  // The task, if this worker holds it; else null.
  const TaskSpec* HeldTask(WorkerNumber worker, const TaskId& id) const;
  // Nothing if unknown. FindTask of the same id is the creation, while a worker holds it or it
  // waits.
  std::optional<ActorSummary> FindActor(const TaskId& id) const;
  // The actor of the driver that has this name and is not dead.
  std::optional<TaskId> FindNamedActor(const DriverId& driver, const std::string& name) const;
  // Nil until the worker has been given its first task.
  DriverId DriverOf(WorkerNumber worker) const;
  const ResourceSet& total() const;
  ResourceSet available() const;
  SchedulerStats Stats() const;
  // Workers run tasks, and each of those has at least `count` tasks or calls prefetched: none of
  // them waits for us. Looks at all workers.
  bool AllHavePrefetched(size_t count) const;
  // When OnTick should be called next; nothing if no time matters now.
  std::optional<int64_t> NextTickMs() const;
  // What people ask.
  SchedulerReports reports() const { return SchedulerReports(state_.get()); }

  std::vector<Effect> TakeEffects();

  // CHECKs every cross reference: tasks against workers, queues and dependency tracker; resources
  // add up.
  void SanityCheck() const;

 private:
  // This node among others.
  friend class Spreading;
  friend class ActorsElsewhere;
  friend class Draining;

  std::unique_ptr<SchedulerState> state_;
};

}  // namespace rayx::scheduler
