// One actor that the scheduler knows, and the states it may be in.
//
//   Pending ──► Alive ◄──► Restarting
//      │          │            │
//      └──────────┴────────────┴──► Dead ──► forgotten (the entry is erased)
//
// Which worker has it is a fact of its creation, the task that a worker keeps for the actor's life.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

#include "common/base/ids.h"
#include "common/protocol/object_layout.h"
#include "scheduler/types/reports.h"
#include "scheduler/types/task_entry.h"

namespace rayx::scheduler {

// Calls of one caller that no worker holds, in the order in which they are to begin. One that waits
// for dependencies holds up those behind it.
struct CallQueue {
  std::deque<TaskEntry*> calls;
  // It stands in the actor's `turns`: its first call is ready.
  bool in_turns = false;
};

// Address is stable from creation until it is forgotten; its creation and its calls borrow it.
struct ActorEntry {
  TaskId id;
  DriverId driver;
  std::string name;
  std::string class_name;
  uint32_t max_concurrency = 1;
  ActorState state = ActorState::kPending;
  // Null once that task has ended: the actor is dead and no worker holds it.
  TaskEntry* creation = nullptr;
  // Its creation has ended without an error once: the object that stands for it has its value.
  bool made = false;
  // Its creation failed: the object that stands for it has the error that calls get as well.
  bool object_has_error = false;
  // The object that stands for it is gone.
  bool unreferenced = false;
  uint32_t restarts = 0;
  // It is dead since its worker died once too often, in this way: another node might make it again.
  // Else empty.
  std::string crash;
  // Why it is dead, and the code that its calls fail with.
  std::string cause;
  SystemErrorCode cause_code = SystemErrorCode::kActorDied;

  // The queue of each caller; none is empty.
  std::unordered_map<CallerId, CallQueue> callers;
  // Callers whose first call is ready; they take turns.
  std::deque<CallerId> turns;
  // Calls that its worker held at the last look.
  size_t held_calls = 0;
  // It stands in ActorTable's list of those that may have calls to hand out.
  bool listed = false;
};

}  // namespace rayx::scheduler
