#include "placement/node_amounts.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"

namespace rayx::placement {

NodeAmounts::NodeAmounts(ResourceNames* names, const ResourceSet& total) {
  resources_.push_back({.index = kTasks, .total = limits::kPlacedTasksMax});
  for (const auto& [name, amount] : total.items()) {
    resources_.push_back({.index = names->Intern(name), .total = amount.units()});
  }
  std::sort(resources_.begin(), resources_.end(),
            [](const Resource& a, const Resource& b) { return a.index < b.index; });
  Refresh();
}

// ---- what changes -------------------------------------------------------------------------------

void NodeAmounts::SetLocal(const ResourceNames& names, const ResourceSet& demand) {
  for (Resource& resource : resources_) {
    if (resource.index != kTasks) resource.local = demand.Get(names.NameOf(resource.index)).units();
  }
  Refresh();
}

void NodeAmounts::Charge(const Demand& demand, int64_t sign) {
  for (const Demand::Item& item : demand.items) {
    if (Resource* const resource = Find(item.resource)) resource->placed += sign * item.units;
  }
  Refresh();
}

void NodeAmounts::CountEnded(const Demand& demand) {
  for (const Demand::Item& item : demand.items) {
    if (Resource* const resource = Find(item.resource)) resource->ended += item.units;
  }
  Refresh();
}

bool NodeAmounts::NextPeriod() {
  for (Resource& resource : resources_) {
    resource.ended_before = std::exchange(resource.ended, 0);
  }
  Refresh();
  return resources_.front().ended_before > 0;
}

void NodeAmounts::Refresh() {
  float most = 0;
  for (const Resource& resource : resources_) {
    if (resource.index < kTreeColumns) {
      bounds_.free[resource.index] = resource.free();
      bounds_.room[resource.index] = resource.room();
    }
    if (resource.index == kTasks) continue;
    const auto held = static_cast<float>(resource.local + resource.placed);
    most = std::max(most, held / static_cast<float>(resource.total));
  }
  const Resource& tasks = resources_.front();
  bounds_.load = most + static_cast<float>(tasks.placed) / static_cast<float>(tasks.total);
  bounds_.load_free = bounds_.free[kCpuColumn] > 0 ? bounds_.load : NodeBounds::kNobody;
  bounds_.load_room = bounds_.room[kCpuColumn] > 0 ? bounds_.load : NodeBounds::kNobody;
}

// ---- what is asked ------------------------------------------------------------------------------

const NodeAmounts::Resource* NodeAmounts::Find(ResourceIndex index) const {
  for (const Resource& resource : resources_) {
    if (resource.index == index) return &resource;
  }
  return nullptr;
}

NodeAmounts::Resource* NodeAmounts::Find(ResourceIndex index) {
  return const_cast<Resource*>(std::as_const(*this).Find(index));
}

int64_t NodeAmounts::TotalOf(ResourceIndex resource) const {
  const Resource* const found = Find(resource);
  return found == nullptr ? 0 : found->total;
}

bool NodeAmounts::CouldRun(const Demand& demand) const {
  return std::all_of(demand.items.begin(), demand.items.end(), [this](const Demand::Item& item) {
    return TotalOf(item.resource) >= item.units;
  });
}

bool NodeAmounts::FitsNow(const Demand& demand) const {
  return std::all_of(demand.items.begin(), demand.items.end(), [this](const Demand::Item& item) {
    const Resource* const resource = Find(item.resource);
    return resource != nullptr && resource->free() >= item.units;
  });
}

// What ended lately may be more than all there is, and makes nothing possible that is not.
bool NodeAmounts::HasRoom(const Demand& demand) const {
  return std::all_of(demand.items.begin(), demand.items.end(), [this](const Demand::Item& item) {
    const Resource* const resource = Find(item.resource);
    return resource != nullptr && resource->room() >= item.units && resource->total >= item.units;
  });
}

std::optional<int64_t> NodeAmounts::WaitMs(const Demand& demand) const {
  int64_t wait_ms = 0;
  for (const Demand::Item& item : demand.items) {
    const Resource* const resource = Find(item.resource);
    if (resource == nullptr) return std::nullopt;
    const int64_t missing = item.units - resource->free();
    if (missing <= 0) continue;
    if (resource->ended_lately() == 0) return std::nullopt;
    const double periods =
        static_cast<double>(missing) / static_cast<double>(resource->ended_lately());
    wait_ms = std::max(wait_ms, static_cast<int64_t>(periods * limits::kPlacedAheadMs));
  }
  return wait_ms;
}

}  // namespace rayx::placement
