// The control tables in this process's memory: for tests and simulations. Deterministic: lists are
// sorted by id (errors: oldest first), callbacks are called before the method returns, nothing is
// ever unavailable.
#pragma once

#include <memory>

#include "control/tables.h"

namespace rayx::control {

std::unique_ptr<Tables> MakeMemoryTables();

}  // namespace rayx::control
