// The end of a program: its results, and what it held.
#pragma once

#include "sim/activity.h"
#include "sim/process.h"

namespace rayx::sim {

class World;

// One step of it. True if it was the last.
bool FinishStep(World& world, Process& process, Activity& activity);

}  // namespace rayx::sim
