// The descriptors whose events wake a thread that coalesces its wake-ups.
//
// A node that does so (daemon/latency/turn_pacer.h) leaves some of its peers unheard for a while,
// but not the others: so it sleeps on a set without those, instead of on all that its loop watches.
#pragma once

#include <atomic>
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
  // Sleeps until something happens, a signal is handled, Wake is called, or the time is over. Each
  // event ends one sleep only, whether it has been heard since or not.
  void Wait(int ms) const;
  // Ends the sleep that is under way; if none is, the next one ends at once. Any thread may call
  // it. It makes a system call only if a sleep is under way.
  void Wake();
  // What Wake was called for has been seen: the next sleep does not end for it. For the thread that
  // sleeps.
  void ForgetWake();

 private:
  ScopedFd epoll_;
  // An eventfd in the set. Nobody reads it: each write is an event of its own.
  ScopedFd woken_;
  // Whether a sleep is under way, and whether Wake was called. One word, since changes of a word
  // have one order: either Wake finds the sleep, or the sleep finds that Wake was called.
  mutable std::atomic<uint32_t> state_{0};
};

}  // namespace rayx
