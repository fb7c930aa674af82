// Notices when the node would do its workers and clients no service by waking for each message:
// they come one by one, and each worker has tasks prefetched for longer than the node would pause.
//
// A node that wakes for each finished task takes the processor from those who do the work, as often
// as it wakes, and so does each result that it passes on alone. After a short pause it finds some
// messages at a time, as network drivers do that coalesce their interrupts.
//
//          kTurns quick turns, and tasks prefetched for all workers
//   Eager ──────────────────────────────────────────────────────────► Coalescing
//     ▲                                                                   │
//     └───────────────────────────────────────────────────────────────────┘
//                          one of both is no longer so
//
// Told the time; asks for none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rayx::daemon {

class WakeCoalescing {
 public:
  // With the 50 us that the kernel may add, as long as some fifteen of the shortest tasks take:
  // Python needs 20 us for each.
  static constexpr int64_t kPauseUs = 250;
  // Tasks that each worker must have prefetched.
  static constexpr size_t kPrefetched = 16;
  // A turn is quick if the one before has ended no longer ago. Sooner or later there is nothing to
  // moderate.
  static constexpr int64_t kQuickUs = 100;
  // In a row: a few messages together are no burst.
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
