// How many connections a node takes, and when: whoever connects and connects must not take the time
// of those who are connected already. A session costs some tens of microseconds, as much as a good
// part of a task's round trip; a refusal at a glance (first_bytes.h) less; and whatever wakes the
// node takes a processor from somebody.
//
//   open ──(one is refused, or the share of a turn is used up)──▶ pause for limits::kAcceptPauseMs
//     ▲                                                              │
//     └──────────────────────────────────────────────────────────────┘
//
// So an honest peer waits only if others have connected right before.
#pragma once

#include "common/base/limits.h"

namespace rayx::daemon {

class AcceptPace {
 public:
  // A turn, in which connections may be taken, begins.
  void BeginTurn() {
    taken_ = 0;
    refused_ = false;
  }
  // Whether one more may be taken in this turn; it counts as taken.
  bool Take() {
    if (taken_ == limits::kAcceptsPerTurn) return false;
    ++taken_;
    return true;
  }
  // What was taken last was refused.
  void OnRefused() { refused_ = true; }
  // Whether to pause at the end of the turn.
  bool WantsPause() const { return refused_ || taken_ == limits::kAcceptsPerTurn; }

 private:
  int taken_ = 0;
  bool refused_ = false;
};

}  // namespace rayx::daemon
