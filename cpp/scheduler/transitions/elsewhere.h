// Actors that other nodes have.
//
//             ready                       the book of the node asks who takes it
//   creation ───────▶ for_elsewhere ────▶ given to a worker that stands for the other node's
//       ▲                                   │        │
//       │   its node is gone, or has ended  │        └─▶ MoveHere: a creation as any other
//       └───────────────────────────────────┘
//
// To the scheduler of their driver's node such an actor is one like others: it has a state, a name
// and calls that wait in order. Only its worker is no process here but stands for the one that has
// the actor elsewhere (WorkerEntry::is_elsewhere). It is given the creation and the calls by the
// same effects, and is gone when its node is, or says that the actor has ended. So what becomes of
// an actor and its calls is told in one place (actor_lifecycle.h), wherever it lives.
//
// A worker that stands for another takes no resources, counts nowhere in the pool, and no time
// matters to what it holds: its node sees to that.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "common/base/ids.h"
#include "scheduler/state/scheduler_state.h"

namespace rayx::scheduler {

// A task, and no call, is ready: it waits among those of its scheduling class, or for what stands
// for its worker.
void PushReady(SchedulerState& state, TaskEntry& task);
// The creation, which has no scheduling class, is for another node.
void ClassifyForElsewhere(SchedulerState& state, TaskEntry& creation);
// A creation that is ready, and was to run here, is for another node from now on.
void MoveElsewhere(SchedulerState& state, TaskEntry& creation);
// Ready creations for other nodes are given to workers that stand for theirs (AssignTask).
void StandIn(SchedulerState& state, int64_t now_ms);
// This node is to have the actor, whose creation was given to what stood for another's worker: that
// is gone, and the creation waits here as one that was placed. It and the calls wait for those of
// their inputs that are `missing` here. REQUIRES: no calls were handed out; it is feasible here.
void MoveHere(SchedulerState& state, ActorEntry& actor,
              const std::function<std::vector<ObjectId>(const TaskSpec& task)>& missing);
// Null unless the actor's creation is held by such a worker.
WorkerEntry* StandInOf(SchedulerState& state, const TaskId& actor);

}  // namespace rayx::scheduler
