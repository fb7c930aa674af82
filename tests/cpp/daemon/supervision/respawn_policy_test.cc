#include "daemon/supervision/respawn_policy.h"

#include <gtest/gtest.h>

#include <vector>

namespace rayx::daemon {
namespace {

class RespawnPolicyTest : public ::testing::Test {
 protected:
  // The process ends so long after its start; the pause that follows, -1 if it is given up.
  int64_t EndAfter(int64_t ms) {
    policy_.OnStarted(now_ms_);
    return policy_.OnEnded(now_ms_ += ms).value_or(-1);
  }

  RespawnPolicy policy_;
  int64_t now_ms_ = 1'000'000;
};

TEST_F(RespawnPolicyTest, WhatHasServedIsStartedAtOnceHoweverOften) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(EndAfter(RespawnPolicy::kQuickMs), 0);
}

TEST_F(RespawnPolicyTest, WhatDiesAtItsStartIsGivenUpAfterAWhile) {
  std::vector<int64_t> pauses;
  for (int i = 0; i < RespawnPolicy::kQuickEndsMax; ++i) pauses.push_back(EndAfter(1));
  EXPECT_EQ(pauses, (std::vector<int64_t>{0, 100, 200, 400, -1}));
}

TEST_F(RespawnPolicyTest, TheLimitOfAQuickEndIsNotOne) {
  for (int i = 1; i < RespawnPolicy::kQuickEndsMax; ++i) {
    EXPECT_GE(EndAfter(RespawnPolicy::kQuickMs - 1), 0);
  }
  EXPECT_EQ(EndAfter(RespawnPolicy::kQuickMs), 0);
}

TEST_F(RespawnPolicyTest, AfterALongLifeTheCountBeginsAnew) {
  for (int round = 0; round < 10; ++round) {
    for (int i = 1; i < RespawnPolicy::kQuickEndsMax; ++i) EXPECT_GE(EndAfter(5), 0);
    EXPECT_EQ(EndAfter(RespawnPolicy::kQuickMs + 1), 0);
  }
}

// The last start cannot have been a long time ago if there was none.
TEST_F(RespawnPolicyTest, PausesDoNotCountAsLife) {
  EXPECT_EQ(EndAfter(1), 0);
  now_ms_ += 10 * RespawnPolicy::kQuickMs;
  EXPECT_EQ(EndAfter(1), RespawnPolicy::kFirstPauseMs);
}

}  // namespace
}  // namespace rayx::daemon
