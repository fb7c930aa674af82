// Who was started by whom, and the end of all that is below a process.
//
// Children that double-fork, call setsid or ignore SIGTERM still end here, provided that the root
// of the search is their subreaper (BecomeSubreaper in child_process.h): an orphan then moves up to
// the root instead of out of the tree.
//
// Resource trackers are killed last. Python's multiprocessing and joblib start one for the process
// that first makes shared memory, a semaphore or a temporary folder, and it removes what is left of
// these once all who held its pipe are gone. So it is given time for that, which takes it
// milliseconds, before it is killed as well.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rayx {

// All processes below `root` (children, their children, …), from /proc; not `root` itself.
std::vector<pid_t> Descendants(pid_t root);

// SIGKILLs everything below `root`, again and again until nothing is left but zombies or `spare`,
// and reaps what are our children. `spare` processes, and what is below them, are kept. Trackers
// that are left alone then have `tracker_ms` to end by themselves. Bounded: gives up after
// `timeout_ms`, in which `tracker_ms` are not counted, and returns how many are left.
size_t KillDescendants(pid_t root, const std::vector<pid_t>& spare, int64_t timeout_ms,
                       int64_t tracker_ms = 0);

// Whether the process is a resource tracker, by its command line.
bool IsResourceTracker(pid_t pid);

// SIGKILLs a process and everything below it but trackers, once. What is below is killed first:
// it belongs to somebody else when its parent is dead.
void KillTree(pid_t pid);

// SIGKILLs the members of a process group but trackers.
void KillGroup(pid_t group);

}  // namespace rayx
