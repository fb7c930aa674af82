// transfer_simulation [--seed N] [--seeds COUNT] [--trace LINES]
//
// Runs lives of simulated nodes, and prints what went wrong with the first that breaks a rule; of
// many, what they have met in sum.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "sim/transfer/transfer_simulation.h"

int main(int argc, char** argv) {
  rayx::transfer_sim::Options options;
  uint64_t seeds = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--seed") options.seed = value;
    if (name == "--seeds") seeds = value;
    if (name == "--trace") options.trace_lines = value;
  }
  rayx::transfer_sim::Report sum;
  for (uint64_t left = seeds; left > 0; --left, ++options.seed) {
    const rayx::transfer_sim::Report report = rayx::transfer_sim::Simulate(options);
    if (seeds == 1 || !report.broken.empty()) {
      std::fputs(rayx::transfer_sim::TextOf(report).c_str(), stdout);
      return report.broken.empty() ? 0 : 1;
    }
    sum.seed = report.seed;
    sum.trace_hash ^= report.trace_hash;
    sum.events += report.events;
    sum.simulated_ms += report.simulated_ms;
    sum.ended += report.ended;
    sum.failed += report.failed;
    sum.chunks += report.chunks;
    sum.from_parts += report.from_parts;
    sum.cuts += report.cuts;
    sum.deaths += report.deaths;
  }
  std::printf("%llu seeds up to ", static_cast<unsigned long long>(seeds));
  std::fputs(rayx::transfer_sim::TextOf(sum).c_str(), stdout);
  return 0;
}
