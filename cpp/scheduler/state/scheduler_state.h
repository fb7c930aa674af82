// Everything the local scheduler knows. The parts know nothing of each other; who changes several
// of them at once is local_scheduler.cc (events), dispatcher.cc (decisions), assignment.cc (a task
// and a worker), actor_lifecycle.cc (actors), cancellation.cc (tasks that are to stop) and
// task_outcome.cc (ends).
#pragma once

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/base/limits.h"
#include "scheduler/queues/dependency_tracker.h"
#include "scheduler/queues/interrupts.h"
#include "scheduler/queues/pipeline.h"
#include "scheduler/queues/ready_queue.h"
#include "scheduler/queues/waiting_heads.h"
#include "scheduler/resources/gpu_slots.h"
#include "scheduler/resources/resource_ledger.h"
#include "scheduler/resources/resource_shape.h"
#include "scheduler/tables/actor_table.h"
#include "scheduler/tables/worker_pool.h"
#include "scheduler/types/effects.h"
#include "scheduler/types/options.h"
#include "scheduler/types/task_entry.h"

namespace rayx::scheduler {

struct SchedulerState {
  explicit SchedulerState(SchedulerOptions given);

  const SchedulerOptions options;
  std::unordered_map<TaskId, TaskEntry> tasks;
  DependencyTracker dependencies;
  ShapeTable shapes;
  ReadyQueue queue;
  WaitingHeads heads;
  ResourceLedger ledger;
  GpuSlots gpus;
  WorkerPool pool;
  Pipeline pipeline;
  ActorTable actors;
  Interrupts interrupts;
  // Gone drivers of which workers are still there: what they submit is dropped.
  std::unordered_set<DriverId> gone_drivers;

  // Creations of actors that other nodes are to have: ready, and not yet given to what stands for
  // their worker.
  std::vector<TaskEntry*> for_elsewhere;

  // The worker that is not schedulable (worker_entry.h); kNoWorker if all are.
  WorkerNumber unschedulable = kNoWorker;

  std::vector<Effect> outbox;
  // Something has happened since the last round of decisions.
  bool changed = true;
  // When the next round is due even if nothing happens.
  std::optional<int64_t> next_round_ms;

  size_t tasks_assigned = 0;
  uint64_t tasks_finished = 0;
  uint64_t tasks_retried = 0;
};

}  // namespace rayx::scheduler
