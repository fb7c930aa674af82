// Values that tests of this room share.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/base/resources.h"
#include "placement/offer.h"

namespace rayx::placement {

template <typename Id>
Id IdNumber(uint64_t number) {
  Id id;
  std::memcpy(id.mutable_data(), &number, sizeof(number));
  return id;
}
inline NodeId NodeNumber(uint64_t number) { return IdNumber<NodeId>(number); }
inline TaskId TaskNumber(uint64_t number) { return IdNumber<TaskId>(number); }

inline ResourceSet Amounts(double cpus, double gpus = 0) {
  ResourceSet set;
  set.Set(kCpu, *ResourceAmount::FromDouble(cpus));
  set.Set(kGpu, *ResourceAmount::FromDouble(gpus));
  return set;
}

inline Offer OfferOf(uint64_t task, ResourceSet demand, int32_t priority = 0) {
  Offer offer;
  offer.task = TaskNumber(task);
  offer.demand = std::move(demand);
  offer.priority = priority;
  return offer;
}

// Those effects that are of one kind, in order.
template <typename Kind>
std::vector<Kind> Of(const std::vector<Effect>& effects) {
  std::vector<Kind> found;
  for (const Effect& effect : effects) {
    if (const auto* const one = std::get_if<Kind>(&effect)) found.push_back(*one);
  }
  return found;
}

}  // namespace rayx::placement
