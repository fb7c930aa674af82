#include "placement/placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "common/base/limits.h"
#include "placement/examples.h"

namespace rayx::placement {
namespace {

constexpr uint64_t kMiB = 1u << 20;

class PlacementTest : public ::testing::Test {
 protected:
  const Demand& Of(const ResourceSet& set) { return *demands_.Use(set); }

  ResourceNames names_;
  DemandTable demands_{&names_};
  ClusterView view_{&names_};
};

TEST_F(PlacementTest, ABurstSpreads) {
  for (int i = 0; i < 10; ++i) view_.AddNode(Amounts(4));
  const Demand& one = Of(Amounts(1));
  for (int placed = 1; placed <= 40; ++placed) {
    const auto slot = ChooseNode(view_, one, {});
    ASSERT_TRUE(slot);
    view_.Place(*slot, one);
    int64_t least = 1000;
    int64_t most = 0;
    for (NodeSlot node = 0; node < 10; ++node) {
      least = std::min(least, view_.At(node)->placed_tasks());
      most = std::max(most, view_.At(node)->placed_tasks());
    }
    ASSERT_LE(most - least, 1);
  }
  EXPECT_EQ(ChooseNode(view_, one, {}), std::nullopt);
}

TEST_F(PlacementTest, WhatIsFreeGoesBeforeWhatIsLessLoaded) {
  const NodeSlot large = view_.AddNode(Amounts(64));
  const NodeSlot small = view_.AddNode(Amounts(8));
  for (int i = 0; i < 50; ++i) view_.Place(large, Of(Amounts(1)));
  for (int i = 0; i < 4; ++i) {
    view_.Place(small, Of(Amounts(1)));
    view_.End(small, Of(Amounts(1)));
    view_.Place(small, Of(Amounts(1)));
  }
  EXPECT_LT(view_.At(small)->load(), view_.At(large)->load());
  EXPECT_TRUE(view_.At(small)->HasRoom(Of(Amounts(8))));
  EXPECT_EQ(ChooseNode(view_, Of(Amounts(8)), {}), large);
}

TEST_F(PlacementTest, GoesWhereMostOfItsInputsAre) {
  for (int i = 0; i < 5; ++i) view_.AddNode(Amounts(1));
  const Demand& one = Of(Amounts(1));
  const BytesAt inputs[] = {{3, 20 * kMiB}, {2, 10 * kMiB}};
  EXPECT_EQ(ChooseNode(view_, one, inputs), 3u);
  view_.Place(3, one);
  EXPECT_EQ(ChooseNode(view_, one, inputs), 2u) << "the one with the most has no room";
  view_.Place(2, one);
  EXPECT_EQ(ChooseNode(view_, one, inputs), 0u);
}

TEST_F(PlacementTest, WaitsForItsInputsNoLongerThanTheyNeedToCome) {
  const NodeSlot has_it = view_.AddNode(Amounts(1));
  const NodeSlot other = view_.AddNode(Amounts(1));
  const Demand& one = Of(Amounts(1));
  view_.Place(has_it, one);
  for (int i = 0; i < 10; ++i) {
    view_.End(has_it, one);
    view_.Place(has_it, one);
  }
  // It would wait there for 5 ms; at 1 GB/s that is 5 MB.
  const BytesAt little[] = {{has_it, 4'000'000}};
  EXPECT_EQ(ChooseNode(view_, one, little), other);
  const BytesAt much[] = {{has_it, 6'000'000}};
  EXPECT_EQ(ChooseNode(view_, one, much), has_it);
  view_.Place(other, one);
  EXPECT_EQ(ChooseNode(view_, one, little), has_it) << "it waits anyway";
}

TEST_F(PlacementTest, NoNodeGetsMoreThanItHasRoomForHoweverMuchIsThere) {
  const NodeSlot has_it = view_.AddNode(Amounts(2));
  for (int i = 0; i < 3; ++i) view_.AddNode(Amounts(2));
  const Demand& one = Of(Amounts(1));
  const BytesAt inputs[] = {{has_it, uint64_t{1} << 40}};
  while (const auto slot = ChooseNode(view_, one, inputs)) view_.Place(*slot, one);
  for (NodeSlot node = 0; node < 4; ++node) EXPECT_EQ(view_.At(node)->placed_tasks(), 2);
}

TEST_F(PlacementTest, AnOverdueTaskWaitsWhereItCouldRunAndNobodyElseDoes) {
  view_.AddNode(Amounts(2));
  const NodeSlot b = view_.AddNode(Amounts(4));
  const NodeSlot c = view_.AddNode(Amounts(4));
  const Demand& four = Of(Amounts(4));
  view_.Place(b, Of(Amounts(2)));
  view_.Place(c, Of(Amounts(1)));
  EXPECT_EQ(ChooseNode(view_, four, {}), std::nullopt);
  EXPECT_EQ(ChooseOverfull(view_, four, {false, false, false}), c);
  EXPECT_EQ(ChooseOverfull(view_, four, {false, false, true}), b);
  EXPECT_EQ(ChooseOverfull(view_, four, {false, true, true}), std::nullopt);
}

// ---- beside a model that looks at every node ----------------------------------------------------

struct ModelNode {
  ResourceSet total;
  ResourceSet local;
  ResourceSet placed;
  ResourceSet ended;
  int64_t tasks = 0;
  int64_t ended_tasks = 0;

  int64_t Free(const std::string& name) const {
    return total.Get(name).units() - local.Get(name).units() - placed.Get(name).units();
  }
  bool FitsNow(const ResourceSet& demand) const {
    return tasks < limits::kPlacedTasksMax &&
           std::all_of(demand.items().begin(), demand.items().end(), [this](const auto& item) {
             return Free(item.first) >= item.second.units();
           });
  }
  bool HasRoom(const ResourceSet& demand) const {
    return total.Covers(demand) &&
           std::all_of(demand.items().begin(), demand.items().end(), [this](const auto& item) {
             const auto& [name, amount] = item;
             const int64_t ahead = Free(name) + ended.Get(name).units();
             const int64_t own = total.Get(name).units() - placed.Get(name).units();
             return std::max(ahead, own) >= amount.units();
           });
  }
};

// A cluster of which the same is known twice.
class TwoViews {
 public:
  explicit TwoViews(uint64_t seed) : random_(seed) {
    const size_t nodes = 1 + Below(seed % 3 == 0 ? 80 : 8);
    for (size_t i = 0; i < nodes; ++i) {
      model_.emplace_back().total = SomeSet(6, true);
      EXPECT_EQ(view_.AddNode(model_.back().total), i);
    }
  }

  void SomethingHappens() {
    if (Below(8) == 0) {
      const auto slot = static_cast<NodeSlot>(Below(model_.size()));
      model_[slot].local = SomeSet(8, false);
      view_.SetLocal(slot, model_[slot].local);
    }
    if (running_.empty() || Below(3) != 0) return;
    std::swap(running_[Below(running_.size())], running_.back());
    const auto [slot, demand] = running_.back();
    running_.pop_back();
    view_.End(slot, *demand);
    model_[slot].placed.Subtract(demand->set);
    model_[slot].ended.Add(demand->set);
    --model_[slot].tasks;
  }

  // The choice is one that looking at every node allows.
  void PlaceOne() {
    const Demand& demand = *demands_.Use(SomeSet(4, false));
    const auto slot = ChooseNode(view_, demand, {});
    auto allowed = LeastLoaded([&](const ModelNode& node) { return node.FitsNow(demand.set); });
    if (allowed.empty()) {
      allowed = LeastLoaded([&](const ModelNode& node) { return node.HasRoom(demand.set); });
    }
    ASSERT_EQ(slot.has_value(), !allowed.empty()) << demand.set.ToString();
    if (!slot) return;
    ASSERT_TRUE(std::count(allowed.begin(), allowed.end(), *slot)) << demand.set.ToString();
    view_.Place(*slot, demand);
    model_[*slot].placed.Add(demand.set);
    ++model_[*slot].tasks;
    running_.emplace_back(*slot, &demand);
  }

 private:
  size_t Below(size_t end) { return static_cast<size_t>(random_() % end); }
  ResourceSet SomeSet(size_t most, bool is_node) {
    ResourceSet set;
    const auto halves = static_cast<int64_t>(Below(2 * most) + (is_node ? 1 : 0));
    set.Set(kCpu, ResourceAmount::FromUnits(5000 * halves));
    if (Below(3) == 0) set.Set(kGpu, ResourceAmount::Of(static_cast<int64_t>(1 + Below(most))));
    if (Below(4) == 0) set.Set("lamp", ResourceAmount::Of(static_cast<int64_t>(1 + Below(most))));
    if (Below(is_node ? 2 : 6) == 0) set.Set("far", ResourceAmount::Of(1));
    return set;
  }
  // The nodes with the least load among those of which `has` is true.
  template <typename Has>
  std::vector<NodeSlot> LeastLoaded(const Has& has) const {
    std::vector<NodeSlot> least;
    for (NodeSlot slot = 0; slot < model_.size(); ++slot) {
      if (!has(model_[slot])) continue;
      if (!least.empty() && view_.At(slot)->load() > view_.At(least[0])->load()) continue;
      if (!least.empty() && view_.At(slot)->load() < view_.At(least[0])->load()) least.clear();
      least.push_back(slot);
    }
    return least;
  }

  std::mt19937_64 random_;
  ResourceNames names_;
  DemandTable demands_{&names_};
  ClusterView view_{&names_};
  std::vector<ModelNode> model_;
  std::vector<std::pair<NodeSlot, const Demand*>> running_;
};

TEST(PlacementModel, ChoosesAsOneWhoLooksAtEveryNode) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    TwoViews views(seed);
    for (int step = 0; step < 300 && !::testing::Test::HasFatalFailure(); ++step) {
      views.SomethingHappens();
      views.PlaceOne();
    }
  }
}

}  // namespace
}  // namespace rayx::placement
