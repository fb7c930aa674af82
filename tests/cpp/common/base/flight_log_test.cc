#include "common/base/flight_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>

#include "common/base/check.h"

namespace rayx {
namespace {

class FlightLogTest : public testing::Test {
 protected:
  void SetUp() override { FlightLog::Clear(); }
  void TearDown() override { FlightLog::Clear(); }
};

TEST_F(FlightLogTest, KeepsLinesInOrder) {
  EXPECT_EQ(FlightLog::Text(), "");
  FlightLog::Note("one");
  FlightLog::Note("two");
  EXPECT_EQ(FlightLog::Text(), "one\ntwo\n");
  FlightLog::Clear();
  EXPECT_EQ(FlightLog::Text(), "");
}

TEST_F(FlightLogTest, ForgetsTheOldest) {
  for (size_t i = 0; i < FlightLog::kLines + 3; ++i) FlightLog::Note("line " + std::to_string(i));
  const std::string text = FlightLog::Text();
  EXPECT_EQ(text.substr(0, 7), "line 3\n");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), std::ptrdiff_t{FlightLog::kLines});
  EXPECT_NE(text.find("line " + std::to_string(FlightLog::kLines + 2) + "\n"), std::string::npos);
}

TEST_F(FlightLogTest, CutsLongLines) {
  FlightLog::Note(std::string(2 * FlightLog::kLineBytes, 'x'));
  EXPECT_EQ(FlightLog::Text(), std::string(FlightLog::kLineBytes, 'x') + "\n");
}

TEST_F(FlightLogTest, EachThreadHasItsOwn) {
  FlightLog::Note("mine");
  std::string others;
  std::thread([&others] {
    FlightLog::Note("yours");
    others = FlightLog::Text();
  }).join();
  EXPECT_EQ(others, "yours\n");
  EXPECT_EQ(FlightLog::Text(), "mine\n");
}

TEST_F(FlightLogTest, FailedCheckPrintsWhatHappened) {
  FlightLog::Note("worker 7 left");
  EXPECT_DEATH(RAYX_CHECK_MSG(1 + 1 == 3, "sums"),
               "check failed: 1 \\+ 1 == 3 at .*flight_log_test.cc.* sums\n.*worker 7 left");
}

TEST_F(FlightLogTest, ImpliesFailsOnlyIfTheConsequenceDoes) {
  RAYX_IMPLIES(false, false);
  RAYX_IMPLIES(true, true);
  EXPECT_DEATH(RAYX_IMPLIES(true, false), "check failed");
}

}  // namespace
}  // namespace rayx
