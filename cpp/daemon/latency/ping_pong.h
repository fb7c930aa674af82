// Notices when the processes of a node only wait for each other: one task at a time, each submitted
// soon after the one before. Then they should meet on one processor (common/shm/affinity_hint.h).
//
//            kRounds quick rounds
//   Apart ───────────────────────► Together
//     ▲                               │
//     └───────────────────────────────┘  a second task runs, or a round is slow
//
// A round lasts from one submission to the next, with what the driver does in between. It is slow
// also if something else keeps the processor busy; so a bad choice of it ends by itself.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rayx::daemon {

class PingPong {
 public:
  // In a row, before they meet: a program that makes a handful of calls is not worth the moving.
  static constexpr int kRounds = 8;
  // Waking others on idle processors takes most of 200 us for a task that does nothing. What takes
  // much longer gains little, and might have run beside its submitter.
  static constexpr int64_t kQuickUs = 300;

  explicit PingPong(int64_t quick_us = kQuickUs) : quick_us_(quick_us) {}

  // A task was submitted; so many are there that do not wait themselves, this one included.
  void OnSubmit(size_t active, int64_t now_us) {
    const bool quick = active <= 1 && now_us - last_submit_us_ < quick_us_;
    last_submit_us_ = now_us;
    rounds_ = quick ? rounds_ + 1 : 0;
  }
  bool together() const { return rounds_ >= kRounds; }

 private:
  const int64_t quick_us_;
  int64_t last_submit_us_ = -1'000'000'000;
  int rounds_ = 0;
};

}  // namespace rayx::daemon
