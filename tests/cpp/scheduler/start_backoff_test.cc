#include "scheduler/start_backoff.h"

#include <gtest/gtest.h>

namespace rayx::scheduler {
namespace {

void Fail(StartBackoff& backoff, int64_t now_ms) {
  backoff.OnFailed("because");
  backoff.OnTime(now_ms);
}

TEST(StartBackoff, ManyMayStartWhileNothingFails) {
  const StartBackoff backoff;
  EXPECT_EQ(backoff.Allowed(0, 0), limits::kWorkerStartsMax);
  EXPECT_EQ(backoff.Allowed(0, 3), limits::kWorkerStartsMax - 3);
  EXPECT_EQ(backoff.Allowed(0, limits::kWorkerStartsMax + 1), 0u);
  EXPECT_FALSE(backoff.NextMs().has_value());
}

TEST(StartBackoff, WaitsDoubleAndOneIsTriedAtATime) {
  StartBackoff backoff;
  int64_t now_ms = 0;
  for (const int64_t wait_ms : {500, 1000, 2000, 4000, 8000, 16000, 32000, 60000}) {
    Fail(backoff, now_ms);
    EXPECT_EQ(backoff.NextMs(), now_ms + wait_ms);
    EXPECT_EQ(backoff.Allowed(now_ms + wait_ms - 1, 0), 0u);
    now_ms += wait_ms;
    EXPECT_EQ(backoff.Allowed(now_ms, 0), 1u);
    EXPECT_EQ(backoff.Allowed(now_ms, 1), 0u);
  }
  EXPECT_EQ(backoff.description(), "because");
}

TEST(StartBackoff, FailuresOfOneBatchAreOneRound) {
  StartBackoff backoff;
  for (int i = 0; i < 8; ++i) Fail(backoff, 10 * i);
  EXPECT_EQ(backoff.NextMs(), 500);
  EXPECT_FALSE(backoff.broken());
  Fail(backoff, 500);
  EXPECT_FALSE(backoff.broken());
  Fail(backoff, 1500);
  EXPECT_TRUE(backoff.broken());
  // Ten attempts have failed: the eleventh waits until the first is a minute old.
  EXPECT_EQ(backoff.NextMs(), StartBackoff::kFailedStartsWindowMs);
  backoff.OnTime(59999);
  EXPECT_EQ(backoff.Allowed(59999, 0), 0u);
  backoff.OnTime(60000);
  EXPECT_EQ(backoff.Allowed(60000, 0), 1u);
}

TEST(StartBackoff, ASuccessForgetsAll) {
  StartBackoff backoff;
  for (const int64_t now_ms : {0, 500, 1500}) Fail(backoff, now_ms);
  EXPECT_TRUE(backoff.broken());
  backoff.OnStarted();
  EXPECT_FALSE(backoff.broken());
  EXPECT_EQ(backoff.Allowed(3001, 0), limits::kWorkerStartsMax);
}

}  // namespace
}  // namespace rayx::scheduler
