#include "client/link/spin.h"

#include <gtest/gtest.h>

namespace rayx {
namespace {

constexpr int64_t kQuick = Spin::kQuickUs;

// How many waits are slept through until the next look.
uint32_t Skipped(Spin* spin) {
  uint32_t count = 0;
  while (spin->OnWait() == 0) ++count;
  return count;
}

TEST(SpinTest, LooksAsLongAsAnswersCome) {
  Spin spin;
  for (int i = 0; i < 100; ++i) {
    EXPECT_GE(spin.OnWait(), kQuick);
    spin.OnSpun(true, 25);
  }
}

TEST(SpinTest, InVainItLooksLessAndLessOften) {
  Spin spin;
  ASSERT_EQ(spin.OnWait(), kQuick);
  uint32_t expected = 1;
  for (int i = 0; i < 15; ++i) {
    spin.OnSpun(false, kQuick);
    EXPECT_EQ(Skipped(&spin), expected);
    expected = std::min(2 * expected, Spin::kSkippedMax);
  }
  EXPECT_EQ(expected, Spin::kSkippedMax) << "but never ceases to";
  spin.OnSpun(true, kQuick);
  EXPECT_EQ(Skipped(&spin), 0u) << "an answer came in time";
  spin.OnSpun(false, kQuick);
  EXPECT_EQ(Skipped(&spin), 1u) << "what was before is forgotten";
}

TEST(SpinTest, QuickAnswersEarnTimeForALateOne) {
  Spin spin;
  for (int i = 0; i < 10; ++i) spin.OnSpun(true, 20);
  EXPECT_EQ(spin.OnWait(), 11 * kQuick);
  spin.OnSpun(true, 300);
  EXPECT_EQ(spin.OnWait(), 5 * kQuick) << "it came, for what it cost";
  spin.OnSpun(false, 5 * kQuick);
  EXPECT_EQ(Skipped(&spin), 1u);
  EXPECT_EQ(spin.OnWait(), kQuick) << "all is spent";
}

TEST(SpinTest, EarningsHaveAnEnd) {
  Spin spin;
  for (int i = 0; i < 1000; ++i) spin.OnSpun(true, 20);
  EXPECT_EQ(spin.OnWait(), Spin::kEarnedMaxUs + kQuick);
}

// Answers that are never quick cost what was earned before, and then next to nothing.
TEST(SpinTest, SlowAnswersAreNotLookedForForLong) {
  Spin spin;
  for (int i = 0; i < 1000; ++i) spin.OnSpun(true, 20);
  constexpr int64_t kSlow = 200;
  int64_t looked = 0;
  for (int i = 0; i < 2000; ++i) {
    const int64_t limit = spin.OnWait();
    if (limit == 0) continue;
    const int64_t us = std::min(limit, kSlow);
    looked += us;
    spin.OnSpun(us < limit, us);
  }
  EXPECT_LE(looked, Spin::kEarnedMaxUs + 20 * kQuick);
}

}  // namespace
}  // namespace rayx
