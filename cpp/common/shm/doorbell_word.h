// A word in shared memory by which others wake a node that coalesces its wake-ups.
//
//   bit 0       the node sleeps
//   bits 1..31  how often somebody has rung; wraps around
//
// A node that is told of what has happened, but need not act on it at once, sleeps for a moment
// instead of being woken by each message (daemon/latency/turn_pacer.h). A peer that sends it
// something for which somebody waits rings afterwards. Then the node does not begin to sleep, or
// the doorbell, an eventfd, wakes it.
//
// A peer that writes nonsense keeps the node awake, or lets it sleep for its bounded time.
#pragma once

#include <atomic>
#include <cstdint>

#include "common/base/status.h"
#include "common/os/scoped_fd.h"
#include "common/os/wake_set.h"

namespace rayx {

// An eventfd, for the node's WakeSet and for those who ring. Nobody reads it: by that a peer could
// make another one wait.
Result<ScopedFd> CreateDoorbell();

class DoorbellWord {
 public:
  // REQUIRES: `word` is in memory that outlives this, and that the peers map as well.
  explicit DoorbellWord(std::atomic<uint32_t>& word) : word_(&word) {}

  // Others: after what was sent. A system call only if the node sleeps.
  void Ring(int doorbell) const;
  // Node: sleeps until something happens in the set, with the doorbell in it, or the time is over.
  // Not at all if somebody has rung since the last call; `seen`: what that call found, 0 at first.
  void SleepUntilRung(const WakeSet& set, int ms, uint32_t* seen) const;

 private:
  std::atomic<uint32_t>* word_;
};

}  // namespace rayx
