#include "placement/node_tree.h"

#include <gtest/gtest.h>

#include <random>

namespace rayx::placement {
namespace {

const auto kAnyLeaf = [](size_t) { return true; };

NodeBounds Bounds(float load, Columns free, Columns room) {
  NodeBounds bounds;
  bounds.load = load;
  bounds.free = free;
  bounds.room = room;
  if (free[kCpuColumn] > 0) bounds.load_free = load;
  if (room[kCpuColumn] > 0) bounds.load_room = load;
  return bounds;
}
NodeBounds Bounds(float load, Columns free) { return Bounds(load, free, free); }

TEST(NodeTree, AnEmptyOneHasNone) {
  NodeTree tree;
  EXPECT_EQ(tree.LeastLoaded(NodeBounds::kNothing, &NodeBounds::free, kAnyLeaf), std::nullopt);
}

TEST(NodeTree, TheFirstOfEquals) {
  NodeTree tree;
  for (size_t leaf = 0; leaf < 5; ++leaf) tree.Set(leaf, Bounds(1, {4, 4, 4, 4}));
  EXPECT_EQ(tree.LeastLoaded({1, 1, 1, 1}, &NodeBounds::free, kAnyLeaf), 0u);
  tree.Set(3, Bounds(0.5, {4, 4, 4, 4}));
  EXPECT_EQ(tree.LeastLoaded({1, 1, 1, 1}, &NodeBounds::free, kAnyLeaf), 3u);
}

TEST(NodeTree, ALeafThatIsTakenOutIsNotFound) {
  NodeTree tree;
  tree.Set(0, Bounds(1, {4, 4, 4, 4}));
  tree.Set(1, Bounds(0, {4, 4, 4, 4}));
  tree.Set(1, NodeBounds());
  EXPECT_EQ(tree.LeastLoaded({1, 1, 1, 1}, &NodeBounds::free, kAnyLeaf), 0u);
}

// Whatever is set, in whatever order, the answer is that of looking at all.
TEST(NodeTree, FindsWhatLookingAtAllFinds) {
  std::mt19937_64 random(7);
  const auto below = [&random](int64_t end) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(end));
  };
  for (int round = 0; round < 200; ++round) {
    NodeTree tree;
    std::vector<NodeBounds> all(static_cast<size_t>(1 + below(40)));
    for (int step = 0; step < 60; ++step) {
      const size_t leaf = static_cast<size_t>(below(static_cast<int64_t>(all.size())));
      all[leaf] = NodeBounds();
      if (below(5) > 0) {
        Columns free = {below(5), below(5), below(5), below(5)};
        Columns room = free;
        for (int64_t& units : room) units += below(3);
        all[leaf] = Bounds(static_cast<float>(below(6)), free, room);
      }
      tree.Set(leaf, all[leaf]);
      const Columns wanted = {below(4), below(4), below(4), below(4)};
      const auto what = below(2) == 0 ? &NodeBounds::free : &NodeBounds::room;
      const auto fits = [](size_t node) { return node % 3 != 1; };
      std::optional<size_t> expected;
      for (size_t node = 0; node < all.size(); ++node) {
        bool has_room = fits(node);
        for (size_t column = 0; column < kTreeColumns; ++column) {
          has_room &= (all[node].*what)[column] >= wanted[column];
        }
        if (has_room && (!expected || all[node].load < all[*expected].load)) expected = node;
      }
      const std::optional<size_t> found = tree.LeastLoaded(wanted, what, fits);
      ASSERT_EQ(found.has_value(), expected.has_value());
      if (found) {
        ASSERT_EQ(all[*found].load, all[*expected].load);
      }
    }
  }
}

}  // namespace
}  // namespace rayx::placement
