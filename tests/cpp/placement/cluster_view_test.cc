#include "placement/cluster_view.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "placement/examples.h"

namespace rayx::placement {
namespace {

class ClusterViewTest : public ::testing::Test {
 protected:
  const Demand& Of(const ResourceSet& set) { return *demands_.Use(set); }

  ResourceNames names_;
  DemandTable demands_{&names_};
  ClusterView view_{&names_};
};

TEST_F(ClusterViewTest, TasksThatAskForNothingAreBoundedAndSpread) {
  const NodeSlot a = view_.AddNode(Amounts(1));
  const NodeSlot b = view_.AddNode(Amounts(64));
  const Demand& nothing = Of({});
  for (int64_t i = 0; i < 2 * limits::kPlacedTasksMax; ++i) {
    view_.Place(view_.LeastLoaded(nothing, Room::kFree).value(), nothing);
  }
  EXPECT_EQ(view_.At(a)->placed_tasks(), limits::kPlacedTasksMax);
  EXPECT_EQ(view_.At(b)->placed_tasks(), limits::kPlacedTasksMax);
  EXPECT_EQ(view_.LeastLoaded(nothing, Room::kAhead), std::nullopt);
}

TEST_F(ClusterViewTest, FindsRareResourcesAmongMany) {
  for (int i = 0; i < 200; ++i) view_.AddNode(Amounts(4));
  ResourceSet with_lamp = Amounts(4);
  with_lamp.Set("lamp", ResourceAmount::Of(1));
  const NodeSlot lamp = view_.AddNode(with_lamp);
  for (int i = 0; i < 200; ++i) view_.AddNode(Amounts(4));
  const Demand& wants = Of({{"CPU", ResourceAmount::Of(1)}, {"lamp", ResourceAmount::Of(1)}});
  EXPECT_EQ(view_.LeastLoaded(wants, Room::kFree), lamp);
  view_.Place(lamp, wants);
  EXPECT_EQ(view_.LeastLoaded(wants, Room::kFree), std::nullopt);
  EXPECT_TRUE(view_.AnyCouldRun(wants));
  view_.RemoveNode(lamp);
  EXPECT_FALSE(view_.AnyCouldRun(wants));
  EXPECT_EQ(view_.At(lamp), nullptr);
  EXPECT_EQ(view_.AddNode(Amounts(1)), lamp) << "its slot is given out again";
  EXPECT_EQ(view_.At(lamp)->placed_tasks(), 0);
}

TEST_F(ClusterViewTest, SaysWhyNoNodeCouldRunIt) {
  EXPECT_EQ(view_.WhyNot(Of(Amounts(1))), "it asks for {CPU: 1}, and no node has joined");
  view_.AddNode(Amounts(4));
  view_.AddNode(Amounts(1, 2));
  EXPECT_EQ(
      view_.WhyNot(Of(Amounts(1, 4))),
      "it asks for {CPU: 1, GPU: 4}, and the most that a node of the cluster has of 'GPU' is 2");
  EXPECT_EQ(view_.WhyNot(Of({{"lamp", ResourceAmount::Of(1)}})),
            "it asks for {lamp: 1}, and no node of the cluster has any 'lamp'");
  EXPECT_EQ(view_.WhyNot(Of(Amounts(3, 1))),
            "it asks for {CPU: 3, GPU: 1}, and no node of the cluster has all of that together");
}

}  // namespace
}  // namespace rayx::placement
