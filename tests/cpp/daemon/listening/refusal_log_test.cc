#include "daemon/listening/refusal_log.h"

#include <gtest/gtest.h>

namespace rayx::daemon {
namespace {

constexpr const char* kOne = "refused a connection of pid 7: it is rude";

std::string AndOthers(int count) {
  return std::string(kOne) + ", and " + std::to_string(count) + " others since the last such line";
}

TEST(RefusalLogTest, TheFirstIsToldAtOnceAndALineStandsForAllSinceTheLast) {
  RefusalLog log;
  const auto refuse = [&](int64_t now_ms) { return log.OnRefused("pid 7", "it is rude", now_ms); };
  EXPECT_EQ(refuse(0), kOne);
  for (int i = 0; i < 999; ++i) EXPECT_EQ(refuse(limits::kRefusalsLoggedMs - 1), std::nullopt);
  EXPECT_EQ(refuse(limits::kRefusalsLoggedMs), AndOthers(999));
  EXPECT_EQ(refuse(limits::kRefusalsLoggedMs), std::nullopt);
  EXPECT_EQ(refuse(10 * limits::kRefusalsLoggedMs), AndOthers(1));
}

// S13: whoever can reach a port writes no more than ten lines a minute.
TEST(RefusalLogTest, TheIntervalForOtherMachinesIsLonger) {
  RefusalLog log(limits::kNetworkRefusalsLoggedMs);
  int lines = 0;
  for (int64_t now_ms = 0; now_ms < 60'000; ++now_ms) {
    lines += log.OnRefused("192.0.2.7", "no key", now_ms) ? 1 : 0;
  }
  EXPECT_GE(lines, 5);
  EXPECT_LE(lines, 10);
}

}  // namespace
}  // namespace rayx::daemon
