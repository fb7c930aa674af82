#include "common/base/resources.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace rayx {
namespace {

ResourceAmount Amount(double value) { return *ResourceAmount::FromDouble(value); }

TEST(ResourceAmountTest, FractionsAddUpExactly) {
  ResourceAmount sum;
  for (int i = 0; i < 10; ++i) sum = sum + Amount(0.1);
  EXPECT_EQ(sum, ResourceAmount::Of(1));
  for (int i = 0; i < 10; ++i) sum = sum - Amount(0.1);
  EXPECT_EQ(sum, ResourceAmount());
}

TEST(ResourceAmountTest, RoundsToTheNearestUnit) {
  EXPECT_EQ(Amount(1.0 / 3).units(), 3333);
  EXPECT_EQ(Amount(2.0 / 3).units(), 6667);
  EXPECT_EQ(Amount(0.0001).units(), 1);
  EXPECT_EQ(Amount(0).units(), 0);
  EXPECT_EQ(Amount(1e9).units(), ResourceAmount::kUnitsMax);
}

TEST(ResourceAmountTest, AmountsWithoutMeaningAreRefused) {
  for (const double value :
       {-1.0, -0.0001, 1.1e9, std::nan(""), 0.00004, std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(ResourceAmount::FromDouble(value).status().code(), StatusCode::kInvalidArgument)
        << value;
  }
}

TEST(ResourceAmountTest, Text) {
  EXPECT_EQ(ResourceAmount::Of(2).ToString(), "2");
  EXPECT_EQ(Amount(0.5).ToString(), "0.5");
  EXPECT_EQ(Amount(0.1).ToString(), "0.1");
  EXPECT_EQ(Amount(123456789.1234).ToString(), "123456789.1234");
  EXPECT_EQ(Amount(1e9).ToString(), "1000000000");
  EXPECT_EQ((ResourceAmount() - ResourceAmount::Of(1)).ToString(), "-1");
}

class ResourceSetTest : public testing::Test {
 protected:
  const ResourceAmount one_ = ResourceAmount::Of(1);
  const ResourceAmount two_ = ResourceAmount::Of(2);
};

TEST_F(ResourceSetTest, IsSortedAndHoldsNoZeros) {
  ResourceSet set = {{"tpu", one_}, {"CPU", two_}, {"zero", ResourceAmount()}};
  EXPECT_EQ(set.ToString(), "{CPU: 2, tpu: 1}");
  set.Set("CPU", ResourceAmount());
  set.Set("tpu", two_);
  EXPECT_EQ(set.ToString(), "{tpu: 2}");
  set.Set("none", ResourceAmount());
  EXPECT_EQ(set.items().size(), 1u);
  EXPECT_EQ(ResourceSet().ToString(), "{}");
  EXPECT_EQ(set.Get("CPU"), ResourceAmount());
}

TEST_F(ResourceSetTest, CoversIsByEachName) {
  const ResourceSet node = {{"CPU", two_}, {"GPU", one_}};
  EXPECT_TRUE(node.Covers({}));
  EXPECT_TRUE(node.Covers(node));
  EXPECT_TRUE(node.Covers({{"CPU", one_}}));
  EXPECT_FALSE(node.Covers({{"GPU", two_}}));
  EXPECT_FALSE(node.Covers({{"CPU", one_}, {"tpu", one_}}));
}

TEST_F(ResourceSetTest, WhatIsTakenAndGivenBackIsThereAgain) {
  const ResourceSet all = {{"CPU", two_}, {"GPU", Amount(0.3)}};
  const ResourceSet demand = {{"CPU", one_}, {"GPU", Amount(0.1)}};
  ResourceSet left = all;
  for (int i = 0; i < 3; ++i) left.Subtract(demand);
  EXPECT_EQ(left.Get("GPU"), ResourceAmount());
  EXPECT_EQ(left.Get("CPU"), ResourceAmount() - one_) << "may go below zero";
  EXPECT_FALSE(left.Covers({{"CPU", Amount(0.5)}}));
  for (int i = 0; i < 3; ++i) left.Add(demand);
  EXPECT_EQ(left, all);
}

TEST_F(ResourceSetTest, EqualSetsHashAlike) {
  const ResourceSet a = {{"CPU", one_}, {"GPU", two_}};
  const ResourceSet b = {{"GPU", two_}, {"CPU", one_}};
  const std::hash<ResourceSet> hash;
  EXPECT_EQ(a, b);
  EXPECT_EQ(hash(a), hash(b));
  EXPECT_NE(hash(a), hash(ResourceSet{{"CPU", two_}, {"GPU", one_}}));
}

}  // namespace
}  // namespace rayx
