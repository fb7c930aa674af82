#include "scheduler/resources/resource_shape.h"

#include <gtest/gtest.h>

namespace rayx::scheduler {
namespace {

ResourceSet Demand(int64_t cpu_units, int64_t gpu_units) {
  return {{"CPU", ResourceAmount::FromUnits(cpu_units)},
          {"GPU", ResourceAmount::FromUnits(gpu_units)}};
}

TEST(ShapeTable, EqualDemandsShareAShape) {
  ShapeTable shapes(Demand(40000, 20000));
  Shape* one = shapes.Intern(Demand(10000, 5000));
  EXPECT_EQ(shapes.Intern(Demand(10000, 5000)), one);
  EXPECT_NE(shapes.Intern(Demand(10000, 0)), one);
  ASSERT_EQ(one->items.size(), 2u);
  EXPECT_EQ(one->items[0].units, 10000);
  EXPECT_EQ(one->items[1].resource, 1u);
}

TEST(ShapeTable, KnowsWhatCanNeverRun) {
  ShapeTable shapes(Demand(40000, 0));
  EXPECT_TRUE(shapes.Feasible(Demand(40000, 0)));
  EXPECT_TRUE(shapes.Feasible({}));
  EXPECT_FALSE(shapes.Feasible(Demand(40001, 0)));
  EXPECT_FALSE(shapes.Feasible(Demand(10000, 1)));
  EXPECT_FALSE(shapes.Feasible(Demand(-1, 0)));
  EXPECT_FALSE(shapes.Feasible({{"lamp", ResourceAmount::FromUnits(-1)}}));
}

TEST(ShapeTable, SweepForgetsUnusedShapes) {
  ShapeTable shapes(Demand(40000, 0));
  ++shapes.Intern(Demand(1, 0))->users;
  shapes.Intern(Demand(2, 0));
  shapes.Sweep();
  EXPECT_EQ(shapes.size(), 1u);
}

TEST(Shape, FitsSubtractsAndShares) {
  ShapeTable shapes(Demand(40000, 20000));
  const Shape& both = *shapes.Intern(Demand(10000, 20000));
  const Shape& cpu = *shapes.Intern(Demand(10000, 0));
  const Shape& nothing = *shapes.Intern({});
  Amounts free = {20000, 20000};
  EXPECT_TRUE(Fits(free, both));
  Subtract(free, both);
  EXPECT_EQ(free, (Amounts{10000, 0}));
  EXPECT_FALSE(Fits(free, both));
  EXPECT_TRUE(Fits(free, cpu));
  EXPECT_TRUE(Fits({-1, -1}, nothing));
  EXPECT_TRUE(both.Shares(cpu));
  EXPECT_FALSE(nothing.Shares(cpu));
}

}  // namespace
}  // namespace rayx::scheduler
