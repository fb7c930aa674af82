#include "daemon/workers/line_tail.h"

#include <gtest/gtest.h>

namespace rayx::daemon {
namespace {

TEST(LineTail, IsSilentWhenNothingWasPrinted) {
  LineTail tail;
  EXPECT_EQ(tail.Story(), "");
}

TEST(LineTail, KeepsTheLastLinesOnly) {
  LineTail tail;
  for (size_t i = 0; i < limits::kWorkerTailLines + 5; ++i) tail.Add("line " + std::to_string(i));
  const std::string story = tail.Story();
  EXPECT_EQ(story.find("line 4\n"), std::string::npos);
  EXPECT_NE(story.find("\n  line 5\n"), std::string::npos);
  EXPECT_TRUE(story.ends_with("line " + std::to_string(limits::kWorkerTailLines + 4)));
}

TEST(LineTail, TakesSeveralLinesAtOnceAndCutsLongOnes) {
  LineTail tail;
  tail.Add("a\n" + std::string(10000, 'x') + "\nb");
  EXPECT_EQ(tail.Story(), "; the last lines it printed:\n  a\n  " +
                              std::string(limits::kWorkerTailLineBytes, 'x') + "\n  b");
}

TEST(LineTail, ClearForgets) {
  LineTail tail;
  tail.Add("a");
  tail.Clear();
  EXPECT_EQ(tail.Story(), "");
}

}  // namespace
}  // namespace rayx::daemon
