// What programs tell each other beside values: names of actors, lines that they print, and what a
// driver has its workers run before its tasks.
#pragma once

#include "sim/process.h"

namespace rayx::sim {

class World;

// Looks for an actor of the driver by its name, and has a handle of it if it is found.
void LookForActor(World& world, Process& process, Activity& activity);
// The task of a worker prints a line.
void Print(Process& process);
// A driver has each of its workers run something before the next task.
void AddSetup(World& world, Process& process);

}  // namespace rayx::sim
