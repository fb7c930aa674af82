// Whole lives of some nodes that need each other's values, from seeds.
//
//   values are made, tasks need them, nodes die, streams are cut ──▶ all is well, and comes to rest
//
// At rest every task has ended or has been told that a value is lost, and nobody has or waits for
// anything that belongs to a copy on its way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rayx::transfer_sim {

struct Options {
  uint64_t seed = 0;
  size_t trace_lines = 0;
};

struct Report {
  uint64_t seed = 0;
  // The first rule that was broken; empty if none was.
  std::string broken;
  // Of everything that happened: the same for the same options.
  uint64_t trace_hash = 0;
  uint64_t events = 0;
  int64_t simulated_ms = 0;
  // Tasks that have run, and that have been told of a lost value.
  uint64_t ended = 0;
  uint64_t failed = 0;
  // Chunks that were sent, and those of them from a part.
  uint64_t chunks = 0;
  uint64_t from_parts = 0;
  uint64_t cuts = 0;
  uint64_t deaths = 0;
  std::vector<std::string> trace;
};

Report Simulate(const Options& options);
// For people, some lines; with how to run it again.
std::string TextOf(const Report& report);

}  // namespace rayx::transfer_sim
