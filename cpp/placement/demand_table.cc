#include "placement/demand_table.h"

#include <algorithm>

#include "common/base/check.h"

namespace rayx::placement {

ResourceNames::ResourceNames() {
  // What most clusters have comes first: there is an index of nodes by the first few, in
  // which CPU is the second (node_tree.h).
  for (const std::string_view name : {std::string_view(), kCpu, kGpu}) Intern(name);
}

ResourceIndex ResourceNames::Intern(std::string_view name) {
  const auto [it, is_new] =
      numbers_.try_emplace(std::string(name), static_cast<ResourceIndex>(names_.size()));
  if (is_new) names_.emplace_back(name);
  return it->second;
}

Demand* DemandTable::Use(const ResourceSet& set) {
  auto& slot = demands_[set];
  if (slot == nullptr) {
    slot = std::make_unique<Demand>();
    slot->set = set;
    slot->items.push_back({kTasks, 1});
    for (const auto& [name, amount] : set.items()) {
      RAYX_CHECK(amount.units() > 0);
      slot->items.push_back({names_->Intern(name), amount.units()});
    }
    std::sort(slot->items.begin(), slot->items.end(),
              [](const auto& a, const auto& b) { return a.resource < b.resource; });
    slot->number = static_cast<uint32_t>(demands_.size() - 1);
    if (!free_numbers_.empty()) {
      slot->number = free_numbers_.back();
      free_numbers_.pop_back();
    }
  }
  ++slot->users;
  return slot.get();
}

bool DemandTable::Drop(Demand* demand) {
  RAYX_CHECK(demand->users > 0);
  if (--demand->users > 0) return false;
  free_numbers_.push_back(demand->number);
  demands_.erase(ResourceSet(demand->set));
  return true;
}

}  // namespace rayx::placement
