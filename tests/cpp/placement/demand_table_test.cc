#include "placement/demand_table.h"

#include <gtest/gtest.h>

#include "placement/examples.h"

namespace rayx::placement {
namespace {

TEST(DemandTable, EqualDemandsShareOne) {
  ResourceNames names;
  DemandTable demands(&names);
  Demand* const one = demands.Use(Amounts(1, 0.5));
  EXPECT_EQ(demands.Use(Amounts(1, 0.5)), one);
  EXPECT_NE(demands.Use(Amounts(1)), one);
  EXPECT_EQ(one->users, 2u);
  ASSERT_EQ(one->items.size(), 3u);
  EXPECT_EQ(one->items[0].resource, kTasks);
  EXPECT_EQ(one->items[0].units, 1);
  EXPECT_EQ(names.NameOf(one->items[1].resource), "CPU");
  EXPECT_EQ(one->items[2].units, 5000);
}

TEST(DemandTable, ForgetsWithTheLastUserAndGivesTheNumberOutAgain) {
  ResourceNames names;
  DemandTable demands(&names);
  Demand* const one = demands.Use(Amounts(1));
  demands.Use(Amounts(1));
  Demand* const two = demands.Use(Amounts(2));
  EXPECT_NE(one->number, two->number);
  const uint32_t number = one->number;
  EXPECT_FALSE(demands.Drop(one));
  EXPECT_TRUE(demands.Drop(one));
  EXPECT_EQ(demands.size(), 1u);
  EXPECT_EQ(demands.Use(Amounts(3))->number, number);
  EXPECT_EQ(demands.Use(Amounts(4))->number, 2u);
}

TEST(ResourceNames, KnowsWhatAllClustersHave) {
  ResourceNames names;
  EXPECT_EQ(names.NameOf(names.Intern(kCpu)), "CPU");
  EXPECT_LT(names.Intern(kGpu), 4u) << "the index of nodes knows the first four";
  const ResourceIndex lamp = names.Intern("lamp");
  EXPECT_EQ(names.Intern("lamp"), lamp);
  EXPECT_EQ(names.NameOf(lamp), "lamp");
}

}  // namespace
}  // namespace rayx::placement
