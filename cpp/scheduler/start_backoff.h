// How often workers may be started when starting them fails.
//
// After a failed start nothing is started for a while, then one worker at a time, the waits
// doubling, until one start succeeds. However it fails, there are no more than kFailedStartsMax
// attempts in kFailedStartsWindowMs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "common/base/limits.h"

namespace rayx::scheduler {

class StartBackoff {
 public:
  // Long enough for a burst of load to pass, short enough that a worker killed while it started
  // delays nobody by a second.
  static constexpr int64_t kFirstWaitMs = 500;
  static constexpr int64_t kWaitMsMax = 60000;
  // A machine on which workers cannot start must not be kept busy by trying.
  static constexpr size_t kFailedStartsMax = 10;
  static constexpr int64_t kFailedStartsWindowMs = 60000;
  // Rounds of failed starts before tasks that wait for a worker fail: one failure may be chance,
  // three are a reason.
  static constexpr int kFailedRoundsMax = 3;
  static_assert(
      kFailedStartsMax > limits::kWorkerStartsMax + 1,
      "after the first batch a second and a third round must be possible within the window");

  void OnStarted();
  // Events know no time: it counts from the next OnTime.
  void OnFailed(std::string description);
  void OnTime(int64_t now_ms);

  // How many may be started now, given that `starting` are on their way. OnTime has been called.
  size_t Allowed(int64_t now_ms, size_t starting) const;
  // When that may become more; nothing if no failure is remembered.
  std::optional<int64_t> NextMs() const;
  // kFailedRoundsMax or more rounds have failed since the last success.
  bool broken() const { return rounds_ >= kFailedRoundsMax; }
  // The last failure, in words.
  const std::string& description() const { return description_; }

 private:
  void StampFailure(int64_t now_ms);

  int rounds_ = 0;
  int64_t next_ms_ = 0;
  size_t unstamped_ = 0;
  std::deque<int64_t> failed_ms_;
  std::string description_;
};

}  // namespace rayx::scheduler
