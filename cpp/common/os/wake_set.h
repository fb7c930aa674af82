// The descriptors whose events wake a thread that coalesces its wake-ups.
//
// A node that does so (daemon/latency/turn_pacer.h) leaves some of its peers unheard for a while,
// but not the others: so it sleeps on a set without those, instead of on all that its loop watches.
#pragma once

#include <cstdint>

#include "common/os/scoped_fd.h"

namespace rayx {

class WakeSet {
 public:
  WakeSet();

  // From now on what happens to the descriptor ends a sleep; also what has happened just before, so
  // that nothing is missed. It stays open until Remove. A second time does nothing.
  void Add(int fd);
  // Nothing happens if it is not in the set.
  void Remove(int fd);
  // Sleeps until something happens, a signal is handled, or the time is over. Each event ends one
  // sleep only, whether anybody has heard it since or not.
  void Wait(int ms) const;

 private:
  ScopedFd epoll_;
};

}  // namespace rayx
