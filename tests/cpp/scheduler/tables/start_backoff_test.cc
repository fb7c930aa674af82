#include "scheduler/tables/start_backoff.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"

namespace rayx::scheduler {
namespace {

void Fail(StartBackoff& backoff, int64_t now_ms) {
  backoff.OnAttempt();
  backoff.OnFailed("because");
  backoff.OnTime(now_ms);
}

TEST(StartBackoff, ManyMayStartWhileNothingFails) {
  const StartBackoff backoff;
  EXPECT_EQ(backoff.Allowed(0, 0), limits::kWorkerStartsMax);
  EXPECT_EQ(backoff.Allowed(0, 3), limits::kWorkerStartsMax - 3);
  EXPECT_EQ(backoff.Allowed(0, limits::kWorkerStartsMax + 1), 0u);
  EXPECT_TRUE(backoff.AllowsUnasked(0));
  EXPECT_FALSE(backoff.NextMs().has_value());
  EXPECT_FALSE(backoff.NextUnaskedMs().has_value());
}

TEST(StartBackoff, OneIsTriedAtATimeASecondApartHoweverOftenItFails) {
  StartBackoff backoff;
  int64_t now_ms = 0;
  for (const int64_t wait_ms : {500, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000}) {
    Fail(backoff, now_ms);
    EXPECT_EQ(backoff.NextMs(), now_ms + wait_ms);
    EXPECT_EQ(backoff.Allowed(now_ms + wait_ms - 1, 0), 0u);
    now_ms += wait_ms;
    EXPECT_EQ(backoff.Allowed(now_ms, 0), 1u);
    EXPECT_EQ(backoff.Allowed(now_ms, 1), 0u);
  }
  EXPECT_EQ(backoff.description(), "because");
}

TEST(StartBackoff, WhatNobodyWaitsForIsTriedLessAndLessOften) {
  StartBackoff backoff;
  int64_t now_ms = 0;
  for (const int64_t wait_ms : {500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000}) {
    Fail(backoff, now_ms);
    EXPECT_EQ(backoff.NextUnaskedMs(), now_ms + wait_ms);
    EXPECT_FALSE(backoff.AllowsUnasked(now_ms + wait_ms - 1));
    now_ms += wait_ms;
    EXPECT_TRUE(backoff.AllowsUnasked(now_ms));
  }
}

TEST(StartBackoff, FailuresOfOneBatchAreOneRound) {
  StartBackoff backoff;
  for (int i = 0; i < 8; ++i) backoff.OnAttempt();
  // The last ones are known long after the first.
  for (int i = 0; i < 8; ++i) {
    backoff.OnFailed("because");
    backoff.OnTime(5000 * i);
    EXPECT_EQ(backoff.NextMs(), 500);
    EXPECT_FALSE(backoff.TakeVerdict());
  }
  Fail(backoff, 36000);
  EXPECT_EQ(backoff.NextMs(), 37000) << "the second round";
}

TEST(StartBackoff, FromTheThirdRoundOnEachOneIsAVerdictOnce) {
  StartBackoff backoff;
  for (const int64_t now_ms : {0, 500}) {
    Fail(backoff, now_ms);
    EXPECT_FALSE(backoff.TakeVerdict());
  }
  for (const int64_t now_ms : {1500, 2500}) {
    Fail(backoff, now_ms);
    EXPECT_TRUE(backoff.TakeVerdict());
    EXPECT_FALSE(backoff.TakeVerdict());
    backoff.OnTime(now_ms + 1);
    EXPECT_FALSE(backoff.TakeVerdict());
  }
}

TEST(StartBackoff, ASuccessAndAnEndOfAWorkerForgetAll) {
  for (const bool is_end : {false, true}) {
    StartBackoff backoff;
    for (const int64_t now_ms : {0, 500, 1500}) Fail(backoff, now_ms);
    is_end ? backoff.OnWorkerEnded() : backoff.OnStarted();
    EXPECT_FALSE(backoff.TakeVerdict());
    EXPECT_FALSE(backoff.NextMs().has_value());
    EXPECT_TRUE(backoff.AllowsUnasked(1501));
    EXPECT_EQ(backoff.Allowed(1501, 0), limits::kWorkerStartsMax);
  }
}

}  // namespace
}  // namespace rayx::scheduler
