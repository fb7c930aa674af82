#include "placement/node_amounts.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "placement/examples.h"

namespace rayx::placement {
namespace {

class NodeAmountsTest : public ::testing::Test {
 protected:
  const Demand& Of(const ResourceSet& set) { return *demands_.Use(set); }

  ResourceNames names_;
  DemandTable demands_{&names_};
};

TEST_F(NodeAmountsTest, WhatIsPlacedIsNotFree) {
  NodeAmounts node(&names_, Amounts(2));
  const Demand& one = Of(Amounts(1));
  EXPECT_TRUE(node.FitsNow(one));
  node.Charge(one, 1);
  EXPECT_TRUE(node.FitsNow(one));
  node.Charge(one, 1);
  EXPECT_FALSE(node.FitsNow(one));
  EXPECT_FALSE(node.HasRoom(one)) << "nothing has ended: nothing waits there";
  EXPECT_FLOAT_EQ(node.load(), 1.0f + 2.0f / limits::kPlacedTasksMax);
  node.Charge(one, -1);
  EXPECT_TRUE(node.FitsNow(one));
  EXPECT_EQ(node.placed_tasks(), 1);
}

TEST_F(NodeAmountsTest, AsMuchAsHasEndedLatelyMayWaitThere) {
  NodeAmounts node(&names_, Amounts(2));
  const Demand& one = Of(Amounts(1));
  for (int i = 0; i < 2; ++i) node.Charge(one, 1);
  for (int ended = 1; ended <= 10; ++ended) {
    node.Charge(one, -1);
    node.CountEnded(one);
    node.Charge(one, 1);
    int ahead = 0;
    for (; node.HasRoom(one); ++ahead) node.Charge(one, 1);
    EXPECT_EQ(ahead, 1) << "one more for each that has ended";
  }
  node.NextPeriod();
  EXPECT_FALSE(node.HasRoom(one));
  node.Charge(one, -1);
  EXPECT_TRUE(node.HasRoom(one)) << "the period before counts still";
  node.NextPeriod();
  EXPECT_FALSE(node.HasRoom(one)) << "not for longer";
}

TEST_F(NodeAmountsTest, WhatItsOwnTasksHoldIsNotFreeButDoesNotShutOthersOut) {
  NodeAmounts node(&names_, Amounts(2));
  const Demand& one = Of(Amounts(1));
  node.SetLocal(names_, Amounts(500));
  EXPECT_FALSE(node.FitsNow(one));
  EXPECT_GT(node.load(), 200);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(node.HasRoom(one));
    node.Charge(one, 1);
  }
  EXPECT_FALSE(node.HasRoom(one));
}

TEST_F(NodeAmountsTest, WhatBlockedTasksGiveBackIsFree) {
  NodeAmounts node(&names_, Amounts(1));
  const Demand& one = Of(Amounts(1));
  node.Charge(one, 1);
  EXPECT_FALSE(node.HasRoom(one));
  ResourceSet given_back;
  given_back.Subtract(Amounts(1));
  node.SetLocal(names_, given_back);
  EXPECT_TRUE(node.FitsNow(one));
}

TEST_F(NodeAmountsTest, TheWaitIsThatOfTheLastPace) {
  NodeAmounts node(&names_, Amounts(1));
  const Demand& one = Of(Amounts(1));
  EXPECT_EQ(node.WaitMs(one), 0);
  node.Charge(one, 1);
  EXPECT_EQ(node.WaitMs(one), std::nullopt);
  for (int i = 0; i < 10; ++i) {
    node.Charge(one, -1);
    node.CountEnded(one);
    node.Charge(one, 1);
  }
  EXPECT_EQ(node.WaitMs(one), limits::kPlacedAheadMs / 10);
}

}  // namespace
}  // namespace rayx::placement
