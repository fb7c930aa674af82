// node_simulation [--seed N] [--seeds COUNT] [--tasks N] [--trace LINES]
//
// Runs lives of a simulated node, and prints what went wrong with the first that breaks a rule.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "sim/simulation.h"

int main(int argc, char** argv) {
  rayx::sim::Options options;
  uint64_t seeds = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--seed") options.seed = value;
    if (name == "--seeds") seeds = value;
    if (name == "--tasks") options.tasks = value;
    if (name == "--trace") options.trace_lines = value;
  }
  const bool is_one = seeds == 1;
  for (const uint64_t end = options.seed + seeds; options.seed < end; ++options.seed) {
    const rayx::sim::Report report = rayx::sim::Simulate(options);
    if (is_one || !report.broken.empty()) {
      std::fputs(rayx::sim::TextOf(report, options).c_str(), stdout);
    }
    if (!report.broken.empty()) return 1;
  }
  return 0;
}
