#include "client/spin.h"

#include <gtest/gtest.h>

namespace rayx {
namespace {

// How many waits are slept through until the next look.
uint32_t Skipped(Spin* spin) {
  uint32_t count = 0;
  while (!spin->OnWait()) ++count;
  return count;
}

TEST(SpinTest, LooksAsLongAsAnswersCome) {
  Spin spin;
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(spin.OnWait());
    spin.OnSpun(true);
  }
}

TEST(SpinTest, InVainItLooksLessAndLessOften) {
  Spin spin;
  ASSERT_TRUE(spin.OnWait());
  uint32_t expected = 1;
  for (int i = 0; i < 15; ++i) {
    spin.OnSpun(false);
    EXPECT_EQ(Skipped(&spin), expected);
    expected = std::min(2 * expected, Spin::kSkippedMax);
  }
  EXPECT_EQ(expected, Spin::kSkippedMax) << "but never ceases to";
  spin.OnSpun(true);
  EXPECT_EQ(Skipped(&spin), 0u) << "an answer came in time";
  spin.OnSpun(false);
  EXPECT_EQ(Skipped(&spin), 1u) << "what was before is forgotten";
}

}  // namespace
}  // namespace rayx
