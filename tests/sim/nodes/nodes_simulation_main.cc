// nodes_simulation [--seed N] [--seeds COUNT] [--trace]
//
// Runs lives of some simulated nodes, and prints what went wrong with the first that breaks a rule.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "sim/nodes/objects_simulation.h"

int main(int argc, char** argv) {
  uint64_t seed = 0;
  uint64_t seeds = 1;
  bool with_trace = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--trace") with_trace = true;
    if (i + 1 == argc) break;
    const uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--seed") seed = value;
    if (name == "--seeds") seeds = value;
  }
  uint64_t steps = 0;
  uint64_t messages = 0;
  uint64_t values = 0;
  for (uint64_t at = seed; at < seed + seeds; ++at) {
    const rayx::sim::ObjectsReport report = rayx::sim::SimulateObjects(at, with_trace);
    steps += report.steps;
    messages += report.messages;
    values += report.values_got;
    if (with_trace && report.broken.empty()) {
      for (const std::string& line : report.trace) std::printf("%s\n", line.c_str());
    }
    if (!report.broken.empty()) {
      std::fputs(rayx::sim::TextOf(at, report).c_str(), stdout);
      return 1;
    }
  }
  std::printf("%llu seeds: %llu steps, %llu messages, %llu values\n",
              static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(steps),
              static_cast<unsigned long long>(messages), static_cast<unsigned long long>(values));
  return 0;
}
