#include "common/base/limits.h"

#include <gtest/gtest.h>

namespace rayx {
namespace {

// Most relations are asserted where the limits stand; these need numbers of elsewhere.
TEST(LimitsTest, AlignmentIsAPowerOfTwoAsLargeAsACacheLine) {
  EXPECT_EQ(limits::kObjectAlignment & (limits::kObjectAlignment - 1), 0u);
  EXPECT_GE(limits::kObjectAlignment, 64u);
}

TEST(LimitsTest, AStrangerCostsLessThanAPeer) {
  EXPECT_LT(limits::kHelloBytesMax, limits::kReadBytesPerTurn);
  EXPECT_LT(limits::kReadBytesPerTurn, limits::kPeerBacklogBytesSoft);
}

TEST(LimitsTest, ShutdownFitsIntoTwoSeconds) { EXPECT_LE(limits::kShutdownGraceMs, 1000); }

}  // namespace
}  // namespace rayx
