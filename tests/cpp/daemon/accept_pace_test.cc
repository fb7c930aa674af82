#include "daemon/accept_pace.h"

#include <gtest/gtest.h>

namespace rayx::daemon {
namespace {

TEST(AcceptPaceTest, ATurnHasItsShareAndTheNextHasItsOwn) {
  AcceptPace pace;
  for (int turn = 0; turn < 2; ++turn) {
    pace.BeginTurn();
    for (int i = 0; i < limits::kAcceptsPerTurn; ++i) {
      EXPECT_FALSE(pace.WantsPause());
      EXPECT_TRUE(pace.Take());
    }
    EXPECT_TRUE(pace.WantsPause());
    EXPECT_FALSE(pace.Take());
    EXPECT_FALSE(pace.Take());
  }
}

TEST(AcceptPaceTest, OneRefusalMakesItPause) {
  AcceptPace pace;
  pace.BeginTurn();
  EXPECT_TRUE(pace.Take());
  EXPECT_FALSE(pace.WantsPause()) << "nobody waits because of an honest peer";
  EXPECT_TRUE(pace.Take());
  pace.OnRefused();
  EXPECT_TRUE(pace.WantsPause());
  EXPECT_TRUE(pace.Take()) << "others who wait are taken in the same turn";
  pace.BeginTurn();
  EXPECT_FALSE(pace.WantsPause()) << "the next turn begins anew";
}

}  // namespace
}  // namespace rayx::daemon
