// Notices when the processes of a node only wait for each other: one task at a time, each submitted
// soon after the one before. Then they should meet on one processor (common/shm/affinity_hint.h).
//
//            kRounds quick rounds
//   Apart ───────────────────────► Together
//     ▲                               │
//     └───────────────────────────────┘  a second task runs, or a round is slow
//
// A round lasts from one submission to the next, with what the driver does in between. It is slow
// also if something else keeps the processor busy; so a bad choice of the processor ends by itself.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rayx::daemon {

class PingPong {
 public:
  // How many quick rounds in a row come before they meet: for a handful of calls, moving does not
  // pay.
  static constexpr int kRounds = 8;
  // A task that does nothing takes 200 us across idle processors, most of it for waking them. One
  // that takes much longer would gain little, and might have run beside its submitter.
  static constexpr int64_t kQuickUs = 300;

  explicit PingPong(int64_t quick_us = kQuickUs) : quick_us_(quick_us) {}

  // A task was submitted; with it, `active` tasks are there that do not wait themselves.
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
