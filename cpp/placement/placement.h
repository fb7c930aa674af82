// Where a task runs: a pure function of a snapshot.
//
// 1. Resources: only nodes that have room for it (node_amounts.h).
// 2. Bytes: of these, the one that has the most of the task's inputs, if it can begin there at
// once,
//    or before its inputs could be elsewhere. So a node that has what all tasks need gets as many
//    as it keeps up with, and not all of them.
// 3. Load: the least loaded that has it all free; if none has, the one with the most inputs; and
//    then the least loaded that has room.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "placement/cluster_view.h"

namespace rayx::placement {

// How many bytes of a task's inputs a node has.
struct BytesAt {
  NodeSlot slot = 0;
  uint64_t bytes = 0;
};

// Nothing if no node has room now. `inputs` has each node once, those with more bytes first.
std::optional<NodeSlot> ChooseNode(const ClusterView& view, const Demand& demand,
                                   std::span<const BytesAt> inputs);

// For a task that has waited for too long while others took what became free: the least loaded node
// that could run it, room or not, unless `is_overfull`, by slot. Steps grow with the number of
// nodes.
std::optional<NodeSlot> ChooseOverfull(const ClusterView& view, const Demand& demand,
                                       const std::vector<bool>& is_overfull);

}  // namespace rayx::placement
