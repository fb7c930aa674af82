// Who was started by whom, and the end of all that is below a process.
//
// Children that double-fork, call setsid or ignore SIGTERM still end here, provided that the root
// of the search is their subreaper (BecomeSubreaper in child_process.h): an orphan then moves up to
// the root instead of out of the tree.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rayx {

// All processes below `root` (children, their children, …), from /proc; not `root` itself.
std::vector<pid_t> Descendants(pid_t root);

// SIGKILLs everything below `root`, again and again until nothing is left but zombies or `spare`,
// and reaps what are our children. `spare` processes, and what is below them, are kept. Bounded:
// gives up after `timeout_ms` and returns how many are left.
size_t KillDescendants(pid_t root, const std::vector<pid_t>& spare, int64_t timeout_ms);

}  // namespace rayx
