// How long to look for a message again and again before sleeping until it comes.
//
// Two processes that answer each other within some microseconds lose more than that when each
// sleeps meanwhile: the kernel has to wake it, and other threads have had its caches. But looking
// keeps a processor from other threads. So it is done only while there is one to spare
// (daemon/latency/spare_cpus.h), and what it may cost is earned: each quick answer gives as much
// time as it might have taken, to be spent when one is late because a peer has lost its processor
// for a moment. A thread that sleeps then is woken late as well, often on the processor of its
// peer, and several more answers are late. Once looking was in vain, it is done less and less
// often, until an answer comes in time again.
//
// It is told the times and asks for none. One thread at a time uses it.
#pragma once

#include <algorithm>
#include <cstdint>

namespace rayx {

class Spin {
 public:
  // A call that goes straight to its worker is answered after 25 us, if both ends look.
  static constexpr int64_t kQuickUs = 50;
  // A turn of the node with all that it was sent while it slept takes 1 ms.
  static constexpr int64_t kEarnedMaxUs = 2000;
  // How many waits at most begin with a sleep after looking was in vain.
  static constexpr uint32_t kSkippedMax = 1024;

  // A wait begins: how long to look, 0 for not at all. Otherwise OnSpun follows.
  int64_t OnWait() {
    if (skip_ == 0) return kQuickUs + earned_us_;
    --skip_;
    return 0;
  }
  // `us`: how long the thread looked, until something came or in vain.
  void OnSpun(bool came, int64_t us) {
    const bool quick = came && us <= kQuickUs;
    earned_us_ = std::clamp<int64_t>(earned_us_ + (quick ? kQuickUs : -us), 0, kEarnedMaxUs);
    skipped_ = came ? 0 : std::min(std::max<uint32_t>(2 * skipped_, 1), kSkippedMax);
    skip_ = skipped_;
  }

 private:
  int64_t earned_us_ = 0;
  uint32_t skip_ = 0;
  // How many waits the last look, if it was in vain, made skip.
  uint32_t skipped_ = 0;
};

}  // namespace rayx
