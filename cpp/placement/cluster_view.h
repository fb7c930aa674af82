// The snapshot by which tasks are placed: all nodes, and an index of them by load.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/resources.h"
#include "placement/demand_table.h"
#include "placement/node_amounts.h"
#include "placement/node_tree.h"

namespace rayx::placement {

// Place of a node in the view; that of one that has gone is given out again.
using NodeSlot = uint32_t;

// What a node must have: all of it free, or room to let a bit wait (node_amounts.h).
enum class Room { kFree, kAhead };

class ClusterView {
 public:
  // `names` must outlive the view.
  explicit ClusterView(ResourceNames* names) : names_(names) {}

  NodeSlot AddNode(const ResourceSet& total);
  // REQUIRES for this and all below: there is a node in the slot.
  void RemoveNode(NodeSlot slot);
  void SetLocal(NodeSlot slot, const ResourceSet& demand);
  // A task that asks for this is placed on the node from now on, whether or not it has room.
  void Place(NodeSlot slot, const Demand& demand);
  // It has ended there, or ...
  void End(NodeSlot slot, const Demand& demand);
  // ... was not there after all.
  void TakeBack(NodeSlot slot, const Demand& demand);
  // To be called every limits::kPlacedAheadMs.
  void NextPeriod();

  // Null if there is no node in the slot.
  const NodeAmounts* At(NodeSlot slot) const {
    return slot < nodes_.size() && nodes_[slot].amounts ? &*nodes_[slot].amounts : nullptr;
  }
  size_t node_count() const { return node_count_; }
  // Slots are below this.
  NodeSlot slot_end() const { return static_cast<NodeSlot>(nodes_.size()); }
  // Changes when a node comes or goes.
  uint64_t version() const { return version_; }

  // The least loaded node that has it.
  std::optional<NodeSlot> LeastLoaded(const Demand& demand, Room room) const;
  bool AnyCouldRun(const Demand& demand) const;
  // In words, why no node could run such a task. REQUIRES: !AnyCouldRun(demand).
  std::string WhyNot(const Demand& demand) const;

 private:
  struct Node {
    std::optional<NodeAmounts> amounts;
    // Something has ended lately.
    bool active = false;
    // Resources that it has.
    std::vector<ResourceIndex> resources;
  };

  void Refresh(NodeSlot slot) { tree_.Set(slot, nodes_[slot].amounts->bounds()); }
  // The nodes that have what the fewest nodes have of it.
  const std::vector<NodeSlot>& Rarest(const Demand& demand) const;

  ResourceNames* const names_;
  std::vector<Node> nodes_;
  std::vector<NodeSlot> free_slots_;
  size_t node_count_ = 0;
  uint64_t version_ = 0;
  // By ResourceIndex: who has it, rising.
  std::vector<std::vector<NodeSlot>> having_;
  std::vector<NodeSlot> active_;
  NodeTree tree_;
};

}  // namespace rayx::placement
