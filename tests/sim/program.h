// What programs do in a simulated world, one step at a time, by chance.
//
//   a step: put, submit, get, let go, cancel, kill, yield an item, or nothing
//   the end: results are stored, the handles go, and the node is told (TaskDone)
//
// A program waits only for what is older than itself or its own work, and calls of actors wait for
// nothing: so no deadlock is of the program's making.
#pragma once

#include "sim/activity.h"
#include "sim/process.h"

namespace rayx::sim {

class World;

// It is not waiting for anything that has not come.
bool CanStep(const Process& process, const Activity& activity);
// REQUIRES: CanStep.
void StepActivity(World& world, Process& process, size_t index);
// The activity becomes the task that the process was handed.
void BeginTask(World& world, Process& process, Activity& activity, Handed handed);

}  // namespace rayx::sim
