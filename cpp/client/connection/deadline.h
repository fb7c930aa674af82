// A moment until which a call may wait.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "common/os/clock.h"

namespace rayx {

class Deadline {
 public:
  // Never passes.
  Deadline() = default;
  // `timeout_ms` from now; negative: never. A millisecond is added, since the clock's last one has
  // partly gone.
  static Deadline After(int64_t timeout_ms) {
    Deadline deadline;
    if (timeout_ms < 0) return deadline;
    // A century is for ever, and cannot overflow.
    constexpr int64_t kLongestMs = int64_t{100} * 366 * 24 * 3600 * 1000;
    const int64_t wait_ms = timeout_ms == 0 ? 0 : std::min(timeout_ms, kLongestMs) + 1;
    deadline.at_ms_ = MonotonicMs() + wait_ms;
    return deadline;
  }

  bool passed() const { return at_ms_ && MonotonicMs() >= *at_ms_; }
  // What is left, at least 0; -1: no end.
  int64_t RemainingMs() const {
    return at_ms_ ? std::max<int64_t>(0, *at_ms_ - MonotonicMs()) : -1;
  }

 private:
  std::optional<int64_t> at_ms_;
};

}  // namespace rayx
