// What the scheduler is told of workers that have ended, and what it tells of actors and tasks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/ids.h"
#include "common/protocol/actor_state.h"
#include "scheduler/types/effects.h"

namespace rayx::scheduler {

// How a worker ended, for the error text of the task it ran.
struct WorkerEnd {
  // How many of its tasks the worker had begun (from its claim word): those after are given to
  // others without costing an attempt.
  uint32_t begun_sequence = 0;
  // "worker pid 4711 was killed by signal 9 (SIGKILL)", with the last lines it printed.
  std::string description;
  // The worker never became ready: starting failed.
  bool start_failed = false;
  // Its node leaves, and has let the actor go, which is made again without costing a restart.
  bool is_moved = false;
};

struct ActorSummary {
  TaskId id;
  DriverId driver;
  // Empty if others cannot find it.
  std::string name;
  std::string class_name;
  ActorState state = ActorState::kPending;
  // The worker that has been given the creation; kNoWorker if none has it.
  WorkerNumber worker = kNoWorker;
  // How often it was made again, or tried to.
  uint32_t restarts = 0;
  // Why it is dead.
  std::string cause;
  // How its worker died, if that is why; else empty.
  std::string crash;
};

// Why nothing works on a task.
struct HoldUp {
  // The same for tasks that are held up by the same thing, without numbers.
  std::string cause;
  // Sentences, the first of which begins with the name of what is held up.
  std::string text;
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
  // Actors that are known and not dead.
  size_t actors = 0;
};

}  // namespace rayx::scheduler
