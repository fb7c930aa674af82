// How the leader (leader_wait.h) waits: whether it looks for a while before it sleeps, on which
// processor it sleeps, and how a node that coalesces its wake-ups is woken.
//
// None of this changes what is received. It decides microseconds: a processor is kept busy only
// while the node knows one to spare (common/shm/claim_word.h).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "client/connection/poll_set.h"
#include "client/link/spin.h"
#include "common/base/status.h"
#include "common/os/scoped_fd.h"
#include "common/shm/affinity_hint.h"
#include "common/shm/claim_word.h"

namespace rayx {

class WaitPolicy {
 public:
  // On which processor the leader sleeps. To be called before other threads know this object.
  void set_affinity_hint(AffinityHint hint) { hint_ = std::move(hint); }

  // --- any thread ---

  // `memory`: where the node says that it sleeps, and whether to look; `doorbell` wakes it.
  void SetDoorbell(std::shared_ptr<const ClaimWord> memory, ScopedFd doorbell);
  // Has the node look at what it has been sent. To be called after the writing, else the node might
  // look too early, and sleep again. Makes a system call only if the node sleeps.
  void Ring();
  // Which was asked last: the node, or a peer that answers at once. Relaxed: a thread that reads
  // what was true a moment ago looks or sleeps once when the other would be quicker, and misses
  // nothing.
  void OnNodeAsked() { node_is_asked_.store(true, std::memory_order_relaxed); }
  void OnPeerAsked() { node_is_asked_.store(false, std::memory_order_relaxed); }

  // --- one thread at a time ---

  // Waits for the set. `quick`: the entry of a peer that answers at once; if looking is allowed,
  // the thread looks for its answer for a moment before it sleeps.
  Status Wait(PollSet* set, std::optional<size_t> quick, int64_t timeout_ms);

 private:
  bool MayLook();
  // Afterwards nothing is ready if looking is not promising, or was in vain.
  Status Look(PollSet* set, size_t quick);

  AffinityHint hint_;
  Spin spin_;
  // What was sent last was for the node, at once.
  std::atomic<bool> node_is_asked_ = false;

  // Whether there is `memory_`, to be read without the lock by threads that send. Relaxed: the node
  // sleeps until it is rung only after it has told this process of the memory, and a thread that
  // sends at that moment is heard as if it had sent a moment ago.
  std::atomic<bool> has_memory_{false};

  std::mutex mutex_;
  // mutex_ protects all below; it is held for a moment only.
  std::shared_ptr<const ClaimWord> memory_;
  ScopedFd doorbell_;
};

}  // namespace rayx
