// One task that the scheduler knows, and the states it may be in.
//
//   WaitingArgs ──► Ready ◄──► Assigned
//        │            │            │
//        └────────────┴────────────┴──► ended (the entry is erased)
//
// What another node was to run goes back to WaitingArgs when this one is to run it after all, and
// lacks what the other one would have fetched: the creation of an actor, and calls of that.
//
// A call of an actor is ready when its dependencies are available, whatever its turn is; it waits
// in a queue of the actor (actor_entry.h) and not in a scheduling class.
//
// What belongs to a state only exists in it. Whether an assigned task runs, is blocked, or waits
// behind another one is a fact of its worker (worker_entry.h) and is not repeated here.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

#include "common/base/check.h"
#include "common/protocol/task_spec.h"
#include "scheduler/types/effects.h"

namespace rayx::scheduler {

class SchedulingClass;
struct ActorEntry;

enum class TaskState : uint8_t { kWaitingArgs, kReady, kAssigned };

constexpr std::string_view TaskStateName(TaskState state) {
  constexpr std::array<std::string_view, 3> kNames = {"WaitingArgs", "Ready", "Assigned"};
  return kNames[static_cast<size_t>(state)];
}

// Bit n of entry s: a task in state s may move to state n. Each state may also end.
inline constexpr std::array<uint8_t, 3> kTaskMoves = {
    1u << static_cast<int>(TaskState::kReady),
    1u << static_cast<int>(TaskState::kAssigned) | 1u << static_cast<int>(TaskState::kWaitingArgs),
    1u << static_cast<int>(TaskState::kReady) | 1u << static_cast<int>(TaskState::kWaitingArgs),
};

// Some dependencies are not available yet.
struct WaitingArgs {
  size_t missing = 0;
};
// In the ready queue.
struct Ready {};
// Held by a worker, as number `sequence` of what it was given.
struct Assigned {
  WorkerNumber worker = kNoWorker;
  uint32_t sequence = 0;
};

// Not stamped with a time yet: events carry none, Schedule() does.
inline constexpr int64_t kTimeUnknown = -1;

// What somebody, or time, wants of a task that a worker holds: that it stops.
struct Interruption {
  bool wanted = false;
  // The worker has been told (InterruptTask).
  bool sent = false;
  // The worker need not be given time.
  bool force = false;
  InterruptReason reason = InterruptReason::kCancelled;
  // When it has run for too long or, if `sent`, has not stopped in time; kTimeUnknown until
  // stamped, 0 if no time matters (interrupts.h).
  int64_t due_ms = 0;
};

// Address is stable from submission to end; scheduling classes, workers and the dependency tracker
// borrow it, and have let go of it before it is erased (SanityCheck).
struct TaskEntry {
  TaskSpec spec;
  // Where it queues: the scheduling class of its driver, resources and priority. Null for the call
  // of an actor, for no other once submitted.
  SchedulingClass* scheduling_class = nullptr;
  // The actor of a creation or of a call; else null.
  ActorEntry* actor = nullptr;
  // Who submitted a call.
  CallerId caller;
  // Rises with each task that becomes ready. A task that is put back keeps its number, and so its
  // place.
  uint64_t arrival = 0;
  // 0 for what a driver submits, one more than its parent for what a task submits.
  uint32_t depth = 0;
  // Workers that died while running it.
  uint32_t attempt = 0;
  // Its results have been given an error while a worker still holds it.
  bool failed = false;
  // Of a stream: somebody may have seen an item, so that it is not begun again.
  bool has_items = false;
  // Results that this attempt has stored before it said that it is over.
  uint32_t results_made = 0;
  Interruption interruption;
  std::variant<WaitingArgs, Ready, Assigned> phase;

  TaskState state() const { return static_cast<TaskState>(phase.index()); }
  bool IsCall() const { return spec.kind == TaskKind::kActorCall; }
  bool IsCreation() const { return spec.kind == TaskKind::kActorCreation; }
  bool HasAllResults() const { return spec.return_count > 0 && results_made >= spec.return_count; }
  const Assigned& assigned() const { return std::get<Assigned>(phase); }

  template <typename Next>
  void MoveTo(Next next) {
    const auto from = phase.index();
    phase = next;
    RAYX_CHECK_MSG((kTaskMoves[from] >> phase.index() & 1u) != 0, TaskStateName(state()));
  }
};

}  // namespace rayx::scheduler
