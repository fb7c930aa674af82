#include "daemon/accept_pace.h"

#include <gtest/gtest.h>

namespace rayx::daemon {
namespace {

TEST(AcceptPaceTest, AMillisecondHasItsShareAndTheNextHasItsOwn) {
  AcceptPace pace;
  for (const int64_t now_ms : {7, 8, 20}) {
    for (int i = 0; i < limits::kAcceptsPerMs; ++i) EXPECT_TRUE(pace.Take(now_ms));
    EXPECT_FALSE(pace.Take(now_ms));
    EXPECT_FALSE(pace.Take(now_ms));
  }
}

TEST(AcceptPaceTest, WhatOneMillisecondLeavesIsNotSavedForLater) {
  AcceptPace pace;
  EXPECT_TRUE(pace.Take(1));
  for (int i = 0; i < limits::kAcceptsPerMs; ++i) EXPECT_TRUE(pace.Take(2));
  EXPECT_FALSE(pace.Take(2));
}

TEST(AcceptPaceTest, AFullListenersQueueIsHeardWithinASecond) {
  constexpr int kQueue = 4096;
  AcceptPace pace;
  int taken = 0;
  for (int64_t now_ms = 0; now_ms < 1000; ++now_ms) {
    while (pace.Take(now_ms)) ++taken;
  }
  EXPECT_GE(taken, kQueue);
}

}  // namespace
}  // namespace rayx::daemon
