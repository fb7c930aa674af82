#include "daemon/latency/ping_pong.h"

#include <gtest/gtest.h>

namespace rayx::daemon {
namespace {

class PingPongTest : public ::testing::Test {
 protected:
  // So many rounds of this length, with so many active tasks each.
  void Rounds(int count, int64_t us, size_t active = 1) {
    for (int i = 0; i < count; ++i) {
      now_us_ += us;
      pace_.OnSubmit(active, now_us_);
    }
  }

  PingPong pace_;
  int64_t now_us_ = 0;
};

TEST_F(PingPongTest, QuickRoundsInARowBringThemTogether) {
  Rounds(PingPong::kRounds, 100);
  EXPECT_FALSE(pace_.together()) << "the first submission follows no other";
  Rounds(1, 100);
  EXPECT_TRUE(pace_.together());
  Rounds(1000, PingPong::kQuickUs - 1);
  EXPECT_TRUE(pace_.together());
}

TEST_F(PingPongTest, ASecondTaskPartsThem) {
  Rounds(PingPong::kRounds + 1, 100);
  Rounds(1, 5, 2);
  EXPECT_FALSE(pace_.together());
  Rounds(PingPong::kRounds - 1, 100);
  EXPECT_FALSE(pace_.together()) << "they begin anew";
  Rounds(1, 100);
  EXPECT_TRUE(pace_.together());
}

TEST_F(PingPongTest, ASlowRoundPartsThem) {
  Rounds(PingPong::kRounds + 1, 100);
  Rounds(1, PingPong::kQuickUs);
  EXPECT_FALSE(pace_.together());
}

TEST_F(PingPongTest, OfBurstsNothingComes) {
  for (size_t active = 1; active < 1000; ++active) Rounds(1, 1, active);
  EXPECT_FALSE(pace_.together());
}

}  // namespace
}  // namespace rayx::daemon
