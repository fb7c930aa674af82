// What must be so when nothing can happen any more.
#pragma once

#include "sim/world.h"

namespace rayx::sim {

void CheckNobodyWaits(World& world);
// Every task has ended; of actors that are still alive, the creation lasts.
void CheckTasks(World& world, bool with_actors);
void CheckNothingIsHeld(World& world);

}  // namespace rayx::sim
