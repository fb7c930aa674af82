#include "placement/node_tree.h"

#include <algorithm>
#include <bit>

namespace rayx::placement {

void NodeTree::Set(size_t leaf, const NodeBounds& bounds) {
  if (leaf >= leaves_) Grow(leaf + 1);
  vertices_[leaves_ + leaf] = bounds;
  for (size_t vertex = (leaves_ + leaf) / 2; vertex > 0; vertex /= 2) Combine(vertex);
}

void NodeTree::Combine(size_t vertex) {
  const NodeBounds& left = vertices_[2 * vertex];
  const NodeBounds& right = vertices_[2 * vertex + 1];
  NodeBounds& both = vertices_[vertex];
  both.load = std::min(left.load, right.load);
  both.load_free = std::min(left.load_free, right.load_free);
  both.load_room = std::min(left.load_room, right.load_room);
  for (size_t column = 0; column < kTreeColumns; ++column) {
    both.free[column] = std::max(left.free[column], right.free[column]);
    both.room[column] = std::max(left.room[column], right.room[column]);
  }
}

void NodeTree::Grow(size_t leaves) {
  const size_t more = std::bit_ceil(std::max<size_t>(leaves, 2));
  std::vector<NodeBounds> vertices(2 * more);
  std::copy(vertices_.begin() + static_cast<ptrdiff_t>(leaves_), vertices_.end(),
            vertices.begin() + static_cast<ptrdiff_t>(more));
  vertices_ = std::move(vertices);
  leaves_ = more;
  for (size_t vertex = leaves_ - 1; vertex > 0; --vertex) Combine(vertex);
}

}  // namespace rayx::placement
