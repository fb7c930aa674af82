// Actors from their creation to their end: who makes them, what becomes of their calls, when they
// are made again.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "scheduler/state/scheduler_state.h"
#include "scheduler/types/reports.h"

namespace rayx::scheduler {

// The creation cannot be admitted: its id is known, its name is taken, or it asks for more than
// there is. Then it has failed (unless its id is known), and so will the calls of that actor.
// `here`: this node is to have the actor.
bool RefuseCreation(SchedulerState& state, TaskSpec& spec, bool here = true);
// It may be made once more.
bool HasRestarts(const TaskEntry& creation);
// `creation` is a new task: the actor is pending.
void AddActor(SchedulerState& state, TaskEntry& creation);
// The call waits for its turn, or fails if there is no such actor. Null if it failed or its id is
// known.
TaskEntry* SubmitCall(SchedulerState& state, TaskSpec spec, std::span<const ObjectId> missing,
                      const CallerId& caller);

// TaskDone of a worker that has an actor.
Status FinishOfActor(SchedulerState& state, WorkerEntry& worker, const TaskId& id,
                     uint32_t sequence, bool failed);
// The workers of living actors are given what they may run next.
void HandOutCalls(SchedulerState& state);
// Calls that were not begun, in order: they are ready again at their old places.
void PutBackCalls(SchedulerState& state, std::span<TaskEntry* const> calls);

// How an actor ends.
struct ActorEnd {
  std::string cause;
  SystemErrorCode code = SystemErrorCode::kActorDied;
  // Its worker is killed; else it may end by itself.
  bool kill = false;
};
// The actor is dead: its calls fail, and its creation unless that has ended. What a worker has of
// it is settled when that is gone. Dead already, it is at most ended faster.
void EndActor(SchedulerState& state, ActorEntry& actor, ActorEnd end);
// Nobody can call it any more.
void Unreference(SchedulerState& state, ActorEntry& actor);
// The actor of this worker, which runs no call of it, ends by itself, since its driver does. A
// living one only: what is being made is not finished yet.
void LetActorEnd(SchedulerState& state, WorkerEntry& worker);
// The worker of an actor is gone, which held `held`. `begun`: which of these it had begun.
void SettleActor(SchedulerState& state, const std::vector<HeldTask>& held,
                 const std::vector<bool>& begun, const WorkerEnd& end);
// Its tasks end; workers that have actors of it are ended by the caller. REQUIRES: no task of the
// driver waits for objects or is ready in a scheduling class.
void EndActorsOf(SchedulerState& state, const DriverId& driver);

}  // namespace rayx::scheduler
