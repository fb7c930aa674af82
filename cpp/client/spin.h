// Whether to look for a message again and again, for a moment, before sleeping until it comes.
//
// Two processes that answer each other within some microseconds lose more than that when each
// sleeps meanwhile: the kernel has to wake it, and others have had its caches. But looking keeps a
// processor from others. So it is done only while there is one to spare (daemon/spare_cpus.h), for
// no longer than a quick answer takes; and once it was in vain, less and less often, until an
// answer comes in time again.
//
// Of one thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>

namespace rayx {

class Spin {
 public:
  // A call over a direct line is answered after 25 us, if both ends look.
  static constexpr int64_t kSpinUs = 50;
  // Waits that are slept through after those in vain, at most.
  static constexpr uint32_t kSkippedMax = 1024;

  // A wait begins: true if it should look first. Then OnSpun follows.
  bool OnWait() {
    if (skip_ == 0) return true;
    --skip_;
    return false;
  }
  void OnSpun(bool came) {
    skipped_ = came ? 0 : std::min(std::max<uint32_t>(2 * skipped_, 1), kSkippedMax);
    skip_ = skipped_;
  }

 private:
  uint32_t skip_ = 0;
  // How many were skipped after the last one that was not.
  uint32_t skipped_ = 0;
};

}  // namespace rayx
