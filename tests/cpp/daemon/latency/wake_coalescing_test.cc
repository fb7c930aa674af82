#include "daemon/latency/wake_coalescing.h"

#include <gtest/gtest.h>

namespace rayx::daemon {
namespace {

class WakeCoalescingTest : public ::testing::Test {
 protected:
  // So many turns, each so long after the one before; the answer to the last.
  bool Turns(int count, int64_t us) {
    bool worth = false;
    for (int i = 0; i < count; ++i) worth = coalescing_.OnTurn(now_us_ += us);
    return worth;
  }

  WakeCoalescing coalescing_;
  int64_t now_us_ = 0;
};

TEST_F(WakeCoalescingTest, ManyQuickTurnsInARow) {
  EXPECT_FALSE(Turns(WakeCoalescing::kTurns, 10)) << "the first follows no other";
  EXPECT_TRUE(Turns(1, 10));
  EXPECT_TRUE(Turns(1000, WakeCoalescing::kQuickUs - 1));
}

TEST_F(WakeCoalescingTest, ASlowTurnEndsIt) {
  EXPECT_TRUE(Turns(WakeCoalescing::kTurns + 1, 10));
  EXPECT_FALSE(Turns(1, WakeCoalescing::kQuickUs));
  EXPECT_FALSE(Turns(WakeCoalescing::kTurns - 1, 10));
  EXPECT_TRUE(Turns(1, 10));
}

TEST_F(WakeCoalescingTest, APauseIsNoWait) {
  EXPECT_TRUE(Turns(WakeCoalescing::kTurns + 1, 10));
  coalescing_.OnPaused(now_us_ += 10 * WakeCoalescing::kPauseUs);
  EXPECT_TRUE(Turns(1, 10)) << "what came meanwhile was there at once";
  coalescing_.OnPaused(now_us_ += WakeCoalescing::kPauseUs);
  EXPECT_FALSE(Turns(1, WakeCoalescing::kQuickUs)) << "nothing came";
}

}  // namespace
}  // namespace rayx::daemon
