// What the tables still say of nodes that were killed, and could not take it back.
#pragma once

#include <sys/types.h>

#include <functional>
#include <unordered_set>

#include "control/tables.h"

namespace rayx::daemon {

// Marks the nodes as dead and ends what they had: their drivers, the functions of these, their
// actors. What they recorded of tasks and objects stays until the session ends. `tables` are used
// until the answers have come; `now` is in seconds since the epoch.
void EndNodes(control::Tables* tables, const std::unordered_set<NodeId>& dead, double now);

// Marks as dead the nodes of the machine of `self` whose process is gone, and ends what they had,
// as EndNodes does. Does nothing more if the control servers cannot be reached.
void EndPredecessors(control::Tables* tables, const control::NodeRecord& self,
                     std::function<bool(pid_t)> is_alive, double now);

}  // namespace rayx::daemon
