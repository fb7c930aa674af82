#include "scheduler/resources/resource_ledger.h"

#include <gtest/gtest.h>

namespace rayx::scheduler {
namespace {

class ResourceLedgerTest : public ::testing::Test {
 protected:
  const ResourceSet total_{{"CPU", ResourceAmount::Of(2)}, {"GPU", ResourceAmount::Of(1)}};
  ShapeTable shapes_{total_};
  ResourceLedger ledger_{total_};
  const Shape& cpu_ = *shapes_.Intern({{"CPU", ResourceAmount::Of(1)}});
  const Shape& both_ =
      *shapes_.Intern({{"CPU", ResourceAmount::Of(1)}, {"GPU", ResourceAmount::Of(1)}});
};

TEST_F(ResourceLedgerTest, FractionsAddUpExactly) {
  const Shape& tenth = *shapes_.Intern({{"CPU", ResourceAmount::FromUnits(1000)}});
  for (int i = 0; i < 20; ++i) ledger_.Take(tenth);
  EXPECT_EQ(ledger_.available()[0], 0);
  for (int i = 0; i < 20; ++i) ledger_.Return(tenth);
  EXPECT_EQ(ledger_.AvailableSet(), total_);
}

TEST_F(ResourceLedgerTest, ABlockedTaskGivesBackItsCpuOnly) {
  ledger_.Take(both_);
  ledger_.Block(both_);
  EXPECT_EQ(ledger_.AvailableSet().ToString(), "{CPU: 2}");
  EXPECT_EQ(ledger_.kept(), (Amounts{0, 10000}));
  ledger_.Take(cpu_);
  ledger_.Take(cpu_);
  ledger_.Unblock(both_);
  EXPECT_EQ(ledger_.AvailableSet().ToString(), "{CPU: -1}");
  EXPECT_TRUE(ledger_.Overdrawn(cpu_));
  ledger_.Return(both_);
  EXPECT_FALSE(ledger_.Overdrawn(cpu_));
  ledger_.Return(cpu_);
  ledger_.Return(cpu_);
  EXPECT_EQ(ledger_.AvailableSet(), total_);
}

TEST_F(ResourceLedgerTest, WhatABlockedTaskKeepsIsNotFreedByRunningOnes) {
  ledger_.Take(both_);
  EXPECT_TRUE(ledger_.FreeOnceRunningEnd(both_));
  ledger_.Block(both_);
  EXPECT_FALSE(ledger_.FreeOnceRunningEnd(both_));
  EXPECT_TRUE(ledger_.FreeOnceRunningEnd(cpu_));
}

TEST(ResourceLedger, ANodeMayHaveNoCpu) {
  ResourceLedger ledger({{"lamp", ResourceAmount::Of(1)}});
  EXPECT_FALSE(ledger.cpu().has_value());
}

}  // namespace
}  // namespace rayx::scheduler
