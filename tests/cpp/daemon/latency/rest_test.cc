#include "daemon/latency/rest.h"

#include <gtest/gtest.h>

namespace rayx::daemon {
namespace {

class RestTest : public ::testing::Test {
 protected:
  // So many turns, each so long after the one before; the answer to the last.
  bool Turns(int count, int64_t us) {
    bool worth = false;
    for (int i = 0; i < count; ++i) worth = rest_.OnTurn(now_us_ += us);
    return worth;
  }

  Rest rest_;
  int64_t now_us_ = 0;
};

TEST_F(RestTest, ManyQuickTurnsInARow) {
  EXPECT_FALSE(Turns(Rest::kTurns, 10)) << "the first follows no other";
  EXPECT_TRUE(Turns(1, 10));
  EXPECT_TRUE(Turns(1000, Rest::kQuickUs - 1));
}

TEST_F(RestTest, ASlowTurnEndsIt) {
  EXPECT_TRUE(Turns(Rest::kTurns + 1, 10));
  EXPECT_FALSE(Turns(1, Rest::kQuickUs));
  EXPECT_FALSE(Turns(Rest::kTurns - 1, 10));
  EXPECT_TRUE(Turns(1, 10));
}

TEST_F(RestTest, ARestIsNoWait) {
  EXPECT_TRUE(Turns(Rest::kTurns + 1, 10));
  rest_.OnRested(now_us_ += 10 * Rest::kRestUs);
  EXPECT_TRUE(Turns(1, 10)) << "what came meanwhile was there at once";
  rest_.OnRested(now_us_ += Rest::kRestUs);
  EXPECT_FALSE(Turns(1, Rest::kQuickUs)) << "nothing came";
}

}  // namespace
}  // namespace rayx::daemon
