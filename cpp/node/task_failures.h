// Tasks that have failed through no fault of their functions: their results hold an error of the
// system.
#pragma once

#include "node/driver_book.h"
#include "plasma/object_store.h"
#include "scheduler/types/effects.h"

namespace rayx::node {

// Each result that has no value gets the error, and the driver is told of it; unless every result
// had a value (FailTask::has_results), or somebody knows already: of what it is like, or since the
// task was cancelled.
void FailResults(plasma::ObjectStore* store, DriverBook* drivers,
                 const scheduler::FailTask& failure);

}  // namespace rayx::node
