#include "scheduler/resources/resource_shape.h"

#include <algorithm>

#include "common/base/check.h"
#include "scheduler/resources/gpu_slots.h"

namespace rayx::scheduler {

ShapeTable::ShapeTable(const ResourceSet& total) : total_(total) {}

bool ShapeTable::Feasible(const ResourceSet& demand) const {
  const bool sensible = std::all_of(demand.items().begin(), demand.items().end(),
                                    [](const auto& item) { return item.second.units() >= 0; });
  return sensible && total_.Covers(demand) && GpuSlots::IsServable(demand.Get(kGpu).units());
}

Shape* ShapeTable::Intern(const ResourceSet& demand) {
  auto [it, added] = shapes_.try_emplace(demand);
  if (!added) return it->second.get();
  auto shape = std::make_unique<Shape>();
  shape->demand = demand;
  shape->gpu_units = demand.Get(kGpu).units();
  for (const auto& [name, amount] : demand.items()) {
    const auto& all = total_.items();
    const auto found = std::find_if(all.begin(), all.end(), [&wanted = name](const auto& item) {
      return item.first == wanted;
    });
    RAYX_CHECK_MSG(found != all.end(), "a shape that this node can never serve");
    shape->items.push_back({static_cast<ResourceIndex>(found - all.begin()), amount.units()});
  }
  it->second = std::move(shape);
  return it->second.get();
}

void ShapeTable::Sweep() {
  std::erase_if(shapes_, [](const auto& item) { return item.second->users == 0; });
}

}  // namespace rayx::scheduler
