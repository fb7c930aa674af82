// How many connections a node takes, and when: whoever connects and connects must not take the time
// of those who are connected already. A connection that sends junk costs some tens of
// microseconds, as much as a good part of a task's round trip.
#pragma once

#include <cstdint>

#include "common/base/limits.h"

namespace rayx::daemon {

class AcceptPace {
 public:
  // One more may be taken at this time; it counts as taken. Otherwise the others wait in the
  // listener's queue, where they cost nothing, for the next millisecond.
  bool Take(int64_t now_ms) {
    if (now_ms != now_ms_) taken_ = 0;
    now_ms_ = now_ms;
    if (taken_ == limits::kAcceptsPerMs) return false;
    ++taken_;
    return true;
  }

 private:
  int64_t now_ms_ = -1;
  int taken_ = 0;
};

}  // namespace rayx::daemon
