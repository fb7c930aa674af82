// Notices when the node would do its workers and clients no service by waking for each message:
// messages come one by one, and each worker has tasks prefetched for longer than the node would
// pause.
//
// Each time that it wakes for a finished task, a node takes the processor from a worker, and so
// does each result that it passes on alone. After a short pause it finds several messages at a
// time, like a network driver that coalesces interrupts.
//
//          kTurns quick turns, and tasks prefetched for all workers
//   Eager ──────────────────────────────────────────────────────────► Coalescing
//     ▲                                                                   │
//     └───────────────────────────────────────────────────────────────────┘
//                          one of both is no longer so
//
// It is told the time and asks for none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rayx::daemon {

class WakeCoalescing {
 public:
  // With the 50 us that the kernel may add, a pause lasts as long as some fifteen of the shortest
  // tasks, for each of which Python needs 20 us.
  static constexpr int64_t kPauseUs = 250;
  // How many tasks each worker must have prefetched.
  static constexpr size_t kPrefetched = 16;
  // A turn is quick if the one before has ended no longer ago. Between slower turns there is
  // nothing to moderate.
  static constexpr int64_t kQuickUs = 100;
  // How many quick turns in a row make a burst: a few messages together do not.
  static constexpr int kTurns = 8;

  // A turn has ended. True if a pause is worth a look at the workers.
  bool OnTurn(int64_t now_us) {
    turns_ = now_us - ended_us_ < kQuickUs ? turns_ + 1 : 0;
    ended_us_ = now_us;
    return turns_ >= kTurns;
  }
  // The node has paused until now.
  void OnPaused(int64_t now_us) { ended_us_ = now_us; }

 private:
  int64_t ended_us_ = -kQuickUs;
  int turns_ = 0;
};

}  // namespace rayx::daemon
