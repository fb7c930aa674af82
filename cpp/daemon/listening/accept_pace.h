// How many connections a node takes, and when, so that a process that connects again and again does
// not take the time of the peers that are connected. To take a peer costs some tens of
// microseconds, a good part of a task's round trip; to refuse one at a glance (first_bytes.h) costs
// less; and each wake-up of the node takes a processor from a process that works.
//
//   open ──(one is refused, or the share of the time is used up)──▶ pause: kAcceptPauseMs
//     ▲                                                                │
//     └────────────────────────────────────────────────────────────────┘
//
// So an honest peer waits only if other processes have connected right before it.
#pragma once

#include <cstdint>

#include "common/base/limits.h"

namespace rayx::daemon {

class AcceptPace {
 public:
  // A turn in which connections may be taken begins. Connections that earlier turns have taken
  // count for limits::kAcceptPauseMs, so that a process that connects once a turn is paced as well.
  void BeginTurn(int64_t now_ms) {
    refused_ = false;
    if (now_ms < counts_until_ms_) return;
    counts_until_ms_ = now_ms + limits::kAcceptPauseMs;
    taken_ = 0;
  }
  // Whether one more may be taken in this turn; it counts as taken.
  bool Take() {
    if (taken_ == limits::kAcceptsPerPause) return false;
    ++taken_;
    return true;
  }
  // The connection that was taken last was refused.
  void OnRefused() { refused_ = true; }
  // Whether to pause at the end of the turn.
  bool WantsPause() const { return refused_ || taken_ == limits::kAcceptsPerPause; }

 private:
  int64_t counts_until_ms_ = 0;
  int taken_ = 0;
  bool refused_ = false;
};

}  // namespace rayx::daemon
