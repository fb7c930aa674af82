// Whole lives of a node, from seeds.
//
//   drivers run their programs ──▶ everything comes to rest ──▶ drivers leave ──▶ rest again
//
// At rest nothing waits for ever, every task has ended once, and nobody holds anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/world.h"

namespace rayx::sim {

struct Report {
  uint64_t seed = 0;
  // The first rule that was broken; empty if none was.
  std::string broken;
  // Of everything that happened: the same for the same options.
  uint64_t trace_hash = 0;
  uint64_t events = 0;
  int64_t simulated_ms = 0;
  // By how they ended.
  size_t tasks = 0;
  size_t failed = 0;
  size_t calls = 0;
  size_t actors = 0;
  size_t streams = 0;
  size_t retried = 0;
  size_t cancelled = 0;
  // The last lines of what happened, as many as Options::trace_lines.
  std::vector<std::string> trace;
};

Report Simulate(const Options& options);
// For people, some lines.
std::string TextOf(const Report& report, const Options& options);

}  // namespace rayx::sim
