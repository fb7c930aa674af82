#include "control/pending_writes.h"

#include <gtest/gtest.h>

#include <string>

namespace rayx::control {
namespace {

TEST(PendingWritesTest, MergesByKeyAndKeepsTheOrderOfFirstChanges) {
  PendingWrites<int, std::string> pending;
  pending.At(3) += "a";
  pending.At(1) += "b";
  pending.At(3) += "c";
  EXPECT_EQ(pending.size(), 2u);
  EXPECT_EQ(pending.TakeOldest(), (std::pair<int, std::string>(3, "ac")));
  EXPECT_EQ(pending.TakeOldest(), (std::pair<int, std::string>(1, "b")));
  EXPECT_TRUE(pending.empty());
}

TEST(PendingWritesTest, TakesOneOutOfTheMiddle) {
  PendingWrites<int, std::string> pending;
  for (const int key : {1, 2, 3}) pending.At(key) = std::to_string(key);
  EXPECT_EQ(pending.Find(4), nullptr);
  EXPECT_EQ(pending.Take(4), std::nullopt);
  ASSERT_NE(pending.Find(2), nullptr);
  EXPECT_EQ(pending.Take(2)->second, "2");
  EXPECT_EQ(pending.Find(2), nullptr);
  // Put again, it is the newest.
  pending.At(2) = "again";
  EXPECT_EQ(pending.TakeOldest().first, 1);
  EXPECT_EQ(pending.TakeOldest().first, 3);
  EXPECT_EQ(pending.TakeOldest().second, "again");
}

}  // namespace
}  // namespace rayx::control
