// What programs send: tasks, objects, and what they do with those that come back.
#pragma once

#include <vector>

#include "sim/activity.h"
#include "sim/process.h"
#include "sim/value.h"

namespace rayx::sim {

class World;

// At most two of the ids, each once.
std::vector<ObjectId> SomeOf(World& world, const std::vector<ObjectId>& ids);
// Submits a task, a call, or the creation of an actor.
void Submit(World& world, Process& process, Activity& activity);
void Cancel(World& world, Process& process, const TaskId& task, bool force);
// Sends a small object, which the process holds.
void Put(World& world, Process& process, const Value& value);
// Begins a large object: asks for room, writes when it has it, and seals.
void MakeLarge(World& world, Process& process, Activity& activity, const Value& value,
               bool is_return);
// An id has come into the process.
void Receive(World& world, Process& process, Activity& activity, const ObjectId& id);
// And the value of an object: what it contains has come. The task that meets an error may raise it.
void TakeIn(World& world, Process& process, Activity& activity, const Value& value);
// The last stream is let go of; its task is cancelled, unless it has ended.
void CloseStream(World& world, Process& process, Activity& activity);

}  // namespace rayx::sim
