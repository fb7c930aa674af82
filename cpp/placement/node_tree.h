// An index of nodes: the least loaded one that has room for certain amounts, in steps that grow
// with the logarithm of the number of nodes.
//
// A binary tree over the nodes. Each of its vertices knows the least load and the most room of the
// nodes below it, for the few resources that most demands name; so whole parts in which no node
// has the room, or in which all are more loaded than one that was found, are passed over. What is
// said there of a part is no more than a bound: whether a node has room for all that is asked for
// is asked of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace rayx::placement {

// Resources of the index: the first ones of ResourceNames.
inline constexpr size_t kTreeColumns = 4;
// The one that nearly all demands name.
inline constexpr size_t kCpuColumn = 1;
using Columns = std::array<int64_t, kTreeColumns>;

// Of one node, or of all below a vertex.
struct NodeBounds {
  static constexpr Columns kNothing = {
      std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::min(),
      std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::min()};

  static constexpr float kNobody = std::numeric_limits<float>::infinity();

  // What waits and runs there beside what there is; the least.
  float load = kNobody;
  // What is free at once, and what may be placed there, ahead or not; the most.
  Columns free = kNothing;
  Columns room = kNothing;
  // The load of those that have CPUs free, or room for them: with the load of all, a search would
  // look into each part that has a node with little load and another one with room.
  float load_free = kNobody;
  float load_room = kNobody;

  friend bool operator==(const NodeBounds&, const NodeBounds&) = default;
};

class NodeTree {
 public:
  // A leaf that was never set, or was set to NodeBounds(), is no node.
  void Set(size_t leaf, const NodeBounds& bounds);

  // The least loaded leaf for which `fits(leaf)`, among those whose `what` (&NodeBounds::free or
  // room) is not below `wanted`; the first of equals.
  template <typename Fits>
  std::optional<size_t> LeastLoaded(const Columns& wanted, Columns NodeBounds::*what,
                                    const Fits& fits) const {
    Query query{.wanted = wanted, .what = what, .load = &NodeBounds::load};
    if (wanted[kCpuColumn] > 0) {
      query.load = what == &NodeBounds::free ? &NodeBounds::load_free : &NodeBounds::load_room;
    }
    Best best;
    if (!vertices_.empty()) Search(1, query, fits, &best);
    return best.leaf;
  }

 private:
  struct Query {
    const Columns& wanted;
    Columns NodeBounds::*what;
    float NodeBounds::*load;
  };
  struct Best {
    std::optional<size_t> leaf;
    float load = NodeBounds::kNobody;
  };

  template <typename Fits>
  void Search(size_t vertex, const Query& query, const Fits& fits, Best* best) const {
    const NodeBounds& bounds = vertices_[vertex];
    if (bounds.*query.load >= best->load || !HasRoom(bounds.*query.what, query.wanted)) return;
    if (vertex >= leaves_) {
      if (!fits(vertex - leaves_)) return;
      best->leaf = vertex - leaves_;
      best->load = bounds.*query.load;
      return;
    }
    const size_t left = 2 * vertex;
    const bool is_left_first = vertices_[left].*query.load <= vertices_[left + 1].*query.load;
    Search(is_left_first ? left : left + 1, query, fits, best);
    Search(is_left_first ? left + 1 : left, query, fits, best);
  }

  static bool HasRoom(const Columns& room, const Columns& wanted) {
    for (size_t column = 0; column < kTreeColumns; ++column) {
      if (room[column] < wanted[column]) return false;
    }
    return true;
  }
  void Grow(size_t leaves);
  void Combine(size_t vertex);

  // Vertex 1 is the root, those below v are 2v and 2v+1, leaf i is leaves_ + i.
  std::vector<NodeBounds> vertices_;
  size_t leaves_ = 0;
};

}  // namespace rayx::placement
