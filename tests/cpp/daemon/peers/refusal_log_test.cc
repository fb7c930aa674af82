#include "daemon/peers/refusal_log.h"

#include <gtest/gtest.h>

namespace rayx::daemon {
namespace {

TEST(RefusalLogTest, TheFirstIsToldAtOnceAndALineStandsForAllSinceTheLast) {
  RefusalLog log;
  EXPECT_EQ(log.OnRefused(0), 1u);
  for (int i = 0; i < 999; ++i)
    EXPECT_EQ(log.OnRefused(limits::kRefusalsLoggedMs - 1), std::nullopt);
  EXPECT_EQ(log.OnRefused(limits::kRefusalsLoggedMs), 1000u);
  EXPECT_EQ(log.OnRefused(limits::kRefusalsLoggedMs), std::nullopt);
  EXPECT_EQ(log.OnRefused(10 * limits::kRefusalsLoggedMs), 2u);
}

}  // namespace
}  // namespace rayx::daemon
