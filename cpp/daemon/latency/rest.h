// Notices when the node would do its workers and clients no service by hurrying: messages come one
// by one, and each worker has tasks ahead for longer than the node would rest.
//
// A node that wakes for each finished task takes the processor from those who do the work, as often
// as it wakes, and so does each result that it passes on alone. After a short rest it finds some
// messages at a time, as network drivers do that moderate their interrupts.
//
//            kTurns quick turns, and tasks ahead of all workers
//   Eager ─────────────────────────────────────────────────────► Resting between turns
//     ▲                                                                  │
//     └──────────────────────────────────────────────────────────────────┘  one of both is no
//     longer so
//
// Told the time; asks for none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rayx::daemon {

class Rest {
 public:
  // With the 50 us that the kernel may add, as long as some fifteen of the shortest tasks take:
  // Python needs 20 us for each.
  static constexpr int64_t kRestUs = 250;
  // Tasks that each worker must have ahead.
  static constexpr size_t kAhead = 16;
  // A turn is quick if the one before has ended no longer ago. Sooner or later there is nothing to
  // moderate.
  static constexpr int64_t kQuickUs = 100;
  // In a row: a few messages together are no burst.
  static constexpr int kTurns = 8;

  // A turn has ended. True if a rest is worth a look at the workers.
  bool OnTurn(int64_t now_us) {
    turns_ = now_us - ended_us_ < kQuickUs ? turns_ + 1 : 0;
    ended_us_ = now_us;
    return turns_ >= kTurns;
  }
  // The node has rested until now.
  void OnRested(int64_t now_us) { ended_us_ = now_us; }

 private:
  int64_t ended_us_ = -kQuickUs;
  int turns_ = 0;
};

}  // namespace rayx::daemon
