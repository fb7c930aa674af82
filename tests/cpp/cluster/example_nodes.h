// Nodes for tests of what happens between them.
#pragma once

#include <cstdint>

#include "cluster/wire_values.h"
#include "common/base/ids.h"

namespace rayx::cluster {

// In the order of their numbers.
inline NodeId NodeOf(uint8_t number) {
  const uint8_t bytes[NodeId::kSize] = {number};
  return NodeId::FromBytes(bytes);
}

inline Message MessageOf(size_t bytes, uint16_t type = 1) {
  return {type, SharedBytes::Of(std::vector<uint8_t>(bytes))};
}

// The effects of that kind, in order.
template <typename Kind, typename Effects>
std::vector<Kind> Only(const Effects& effects) {
  std::vector<Kind> found;
  for (const auto& effect : effects) {
    if (const Kind* one = std::get_if<Kind>(&effect)) found.push_back(*one);
  }
  return found;
}

}  // namespace rayx::cluster
