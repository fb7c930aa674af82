// nodes_simulation [--objects 0|1] [--seed N] [--seeds COUNT] [--tasks N] [--trace LINES]
//
// Runs lives of some simulated nodes that run each other's tasks (of objects alone, with --objects
// 1), and prints what went wrong with the first that breaks a rule.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "sim/nodes/objects_simulation.h"
#include "sim/nodes/tasks_simulation.h"

int main(int argc, char** argv) {
  uint64_t seed = 0;
  uint64_t seeds = 1;
  bool of_objects = false;
  rayx::sim::NodesOptions options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--objects") of_objects = value != 0;
    if (name == "--seed") seed = value;
    if (name == "--seeds") seeds = value;
    if (name == "--tasks") options.tasks = value;
    if (name == "--trace") options.trace_lines = value;
  }
  rayx::sim::NodesReport sum;
  size_t values = 0;
  for (uint64_t at = seed; at < seed + seeds; ++at) {
    options.seed = at;
    std::string fault;
    if (of_objects) {
      const auto report = rayx::sim::SimulateObjects(at, options.trace_lines > 0);
      values += report.values_got;
      if (!report.broken.empty()) fault = rayx::sim::TextOf(at, report);
    } else {
      const auto report = rayx::sim::SimulateNodes(options);
      sum.events += report.events;
      sum.tasks += report.tasks;
      sum.placed += report.placed;
      sum.forwarded += report.forwarded;
      sum.given_away += report.given_away;
      sum.copies += report.copies;
      sum.crashes += report.crashes;
      sum.cuts += report.cuts;
      sum.drained += report.drained;
      if (!report.broken.empty()) fault = rayx::sim::TextOf(options, report);
    }
    if (fault.empty()) continue;
    std::fputs(fault.c_str(), stdout);
    return 1;
  }
  options.seed = seed;
  std::fputs(rayx::sim::TextOf(options, sum).c_str(), stdout);
  if (of_objects) std::printf("%zu values\n", values);
  return 0;
}
