// A word in shared memory by which others hurry a node that rests.
//
//   bit 0       the node rests
//   bits 1..31  how often it was hurried; wraps around
//
// A node that is told of what has happened, but need not act on it at once, rests for a moment
// instead of being woken by each message (daemon/latency/line_service.h). Whoever sends it
// something that somebody waits for hurries it afterwards: then it does not begin to rest, or ends
// its rest, since a bell rings.
//
// Whoever writes nonsense keeps the node from resting, or lets it rest for its bounded time.
#pragma once

#include <atomic>
#include <cstdint>

#include "common/base/status.h"
#include "common/os/rest_set.h"
#include "common/os/scoped_fd.h"

namespace rayx {

// An eventfd, for the node's RestSet and for those who hurry it. Nobody reads it: by that a peer
// could make another one wait.
Result<ScopedFd> CreateRestBell();

class RestWord {
 public:
  // REQUIRES: `word` is in memory that outlives this, and that the peers map as well.
  explicit RestWord(std::atomic<uint32_t>& word) : word_(&word) {}

  // Others: after what was sent. A system call only if the node rests.
  void Hurry(int bell) const;
  // Node: sleeps until the set, with the bell in it, ends the rest, or its time is over. Not at all
  // if it has been hurried since the last call; `seen`: what that call found, 0 at first.
  void Rest(const RestSet& set, int ms, uint32_t* seen) const;

 private:
  std::atomic<uint32_t>* word_;
};

}  // namespace rayx
