#include "daemon/listening/accept_pace.h"

#include <gtest/gtest.h>

namespace rayx::daemon {
namespace {

TEST(AcceptPaceTest, ATurnHasItsShareAndThatBehindAPauseHasItsOwn) {
  AcceptPace pace;
  for (int turn = 0; turn < 2; ++turn) {
    pace.BeginTurn(100 + turn * limits::kAcceptPauseMs);
    for (int i = 0; i < limits::kAcceptsPerPause; ++i) {
      EXPECT_FALSE(pace.WantsPause());
      EXPECT_TRUE(pace.Take());
    }
    EXPECT_TRUE(pace.WantsPause());
    EXPECT_FALSE(pace.Take());
    EXPECT_FALSE(pace.Take());
  }
}

TEST(AcceptPaceTest, ThoseWhoComeOneByOneArePacedAsWell) {
  AcceptPace pace;
  int taken = 0;
  int64_t now_ms = 100;
  for (; !pace.WantsPause(); ++taken) {
    pace.BeginTurn(now_ms);
    ASSERT_TRUE(pace.Take());
  }
  EXPECT_EQ(taken, limits::kAcceptsPerPause);
  // One a millisecond is nothing to pause for.
  for (int i = 0; i < 100; ++i) {
    now_ms += i == 0 ? limits::kAcceptPauseMs : 1;
    pace.BeginTurn(now_ms);
    EXPECT_TRUE(pace.Take());
    EXPECT_FALSE(pace.WantsPause());
  }
}

TEST(AcceptPaceTest, OneRefusalMakesItPause) {
  AcceptPace pace;
  pace.BeginTurn(100);
  EXPECT_TRUE(pace.Take());
  EXPECT_FALSE(pace.WantsPause()) << "nobody waits because of an honest peer";
  EXPECT_TRUE(pace.Take());
  pace.OnRefused();
  EXPECT_TRUE(pace.WantsPause());
  EXPECT_TRUE(pace.Take()) << "others who wait are taken in the same turn";
  pace.BeginTurn(100);
  EXPECT_FALSE(pace.WantsPause()) << "a refusal is forgotten in the next turn";
}

}  // namespace
}  // namespace rayx::daemon
