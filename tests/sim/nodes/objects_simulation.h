// Lives of objects that cross between nodes, from seeds.
//
//   clients do as they like ──▶ all that is under way arrives ──▶ everybody lets go
//
// Then what was waited for has come, and no node has anything left.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/nodes/objects_world.h"

namespace rayx::sim {

struct ObjectsReport {
  // The first rule that was broken; empty if none was.
  std::string broken;
  size_t steps = 0;
  size_t messages = 0;
  size_t values_got = 0;
  // What has happened, a line each, if asked for.
  std::vector<std::string> trace;
};

ObjectsReport SimulateObjects(uint64_t seed, bool with_trace = false);
// For people: what was broken, what happened before, and how to see it again.
std::string TextOf(uint64_t seed, const ObjectsReport& report);

}  // namespace rayx::sim
