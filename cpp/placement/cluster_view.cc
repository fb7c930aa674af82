#include "placement/cluster_view.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace rayx::placement {
namespace {

const std::vector<NodeSlot> kNobody;

bool HasIt(const NodeAmounts& node, const Demand& demand, Room room) {
  return room == Room::kFree ? node.FitsNow(demand) : node.HasRoom(demand);
}

}  // namespace

NodeSlot ClusterView::AddNode(const ResourceSet& total) {
  NodeSlot slot = slot_end();
  if (free_slots_.empty()) {
    nodes_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  Node& node = nodes_[slot];
  node.amounts.emplace(names_, total);
  node.resources = {kTasks};
  for (const auto& [name, amount] : total.items()) {
    node.resources.push_back(names_->Intern(name));
  }
  for (const ResourceIndex resource : node.resources) {
    if (having_.size() <= resource) having_.resize(resource + 1);
    std::vector<NodeSlot>& having = having_[resource];
    having.insert(std::lower_bound(having.begin(), having.end(), slot), slot);
  }
  ++node_count_;
  ++version_;
  Refresh(slot);
  return slot;
}

void ClusterView::RemoveNode(NodeSlot slot) {
  RAYX_CHECK(At(slot) != nullptr);
  for (const ResourceIndex resource : nodes_[slot].resources) std::erase(having_[resource], slot);
  std::erase(active_, slot);
  nodes_[slot] = Node();
  tree_.Set(slot, NodeBounds());
  free_slots_.push_back(slot);
  --node_count_;
  ++version_;
}

void ClusterView::SetLocal(NodeSlot slot, const ResourceSet& demand) {
  nodes_[slot].amounts->SetLocal(*names_, demand);
  Refresh(slot);
}

void ClusterView::Place(NodeSlot slot, const Demand& demand) {
  nodes_[slot].amounts->Charge(demand, 1);
  Refresh(slot);
}

void ClusterView::End(NodeSlot slot, const Demand& demand) {
  Node& node = nodes_[slot];
  node.amounts->Charge(demand, -1);
  node.amounts->CountEnded(demand);
  if (!std::exchange(node.active, true)) active_.push_back(slot);
  Refresh(slot);
}

void ClusterView::TakeBack(NodeSlot slot, const Demand& demand) {
  nodes_[slot].amounts->Charge(demand, -1);
  Refresh(slot);
}

void ClusterView::NextPeriod() {
  std::erase_if(active_, [this](NodeSlot slot) {
    Node& node = nodes_[slot];
    node.active = node.amounts->NextPeriod();
    Refresh(slot);
    return !node.active;
  });
}

const std::vector<NodeSlot>& ClusterView::Rarest(const Demand& demand) const {
  const std::vector<NodeSlot>* rarest = nullptr;
  for (const Demand::Item& item : demand.items) {
    if (item.resource >= having_.size()) return kNobody;
    const std::vector<NodeSlot>& having = having_[item.resource];
    if (rarest == nullptr || having.size() < rarest->size()) rarest = &having;
  }
  return *rarest;
}

std::optional<NodeSlot> ClusterView::LeastLoaded(const Demand& demand, Room room) const {
  const std::vector<NodeSlot>& having = Rarest(demand);
  if (having.size() <= limits::kRareResourceNodesMax) {
    std::optional<NodeSlot> best;
    for (const NodeSlot slot : having) {
      const NodeAmounts& node = *nodes_[slot].amounts;
      if (best && node.load() >= nodes_[*best].amounts->load()) continue;
      if (HasIt(node, demand, room)) best = slot;
    }
    return best;
  }
  Columns wanted = NodeBounds::kNothing;
  for (const Demand::Item& item : demand.items) {
    if (item.resource < kTreeColumns) wanted[item.resource] = item.units;
  }
  const auto leaf =
      tree_.LeastLoaded(wanted, room == Room::kFree ? &NodeBounds::free : &NodeBounds::room,
                        [&](size_t node) { return HasIt(*nodes_[node].amounts, demand, room); });
  return leaf ? std::optional(static_cast<NodeSlot>(*leaf)) : std::nullopt;
}

bool ClusterView::AnyCouldRun(const Demand& demand) const {
  const std::vector<NodeSlot>& having = Rarest(demand);
  return std::any_of(having.begin(), having.end(),
                     [&](NodeSlot slot) { return nodes_[slot].amounts->CouldRun(demand); });
}

std::string ClusterView::WhyNot(const Demand& demand) const {
  const std::string asked = "it asks for " + demand.set.ToString() + ", and ";
  if (node_count_ == 0) return asked + "no node has joined";
  for (const Demand::Item& item : demand.items) {
    int64_t most = 0;
    for (const Node& node : nodes_) {
      if (node.amounts) most = std::max(most, node.amounts->TotalOf(item.resource));
    }
    if (most >= item.units) continue;
    const std::string& name = names_->NameOf(item.resource);
    if (most == 0) return asked + "no node of the cluster has any '" + name + "'";
    return asked + "the most that a node of the cluster has of '" + name + "' is " +
           ResourceAmount::FromUnits(most).ToString();
  }
  return asked + "no node of the cluster has all of that together";
}

}  // namespace rayx::placement
