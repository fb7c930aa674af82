// Whole lives of some nodes and their sessions, from seeds.
//
//   nodes join ──▶ faults, while programs send ──▶ all is well again, and comes to rest
//
// At rest each two nodes have one session on one connection, with everything delivered and
// acknowledged.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/cluster/conditions.h"

namespace rayx::cluster_sim {

struct Report {
  uint64_t seed = 0;
  // The first rule that was broken; empty if none was.
  std::string broken;
  // Of everything that happened: the same for the same options.
  uint64_t trace_hash = 0;
  uint64_t events = 0;
  int64_t simulated_ms = 0;
  uint64_t sessions = 0;
  uint64_t frames = 0;
  // Sessions that have ended on a side, by reason (cluster::EndReason).
  std::vector<uint64_t> ended;
  // The last lines of what happened, as many as Options::trace_lines.
  std::vector<std::string> trace;
};

Report Simulate(const Options& options);
// For people, some lines; with how to run it again.
std::string TextOf(const Report& report);

}  // namespace rayx::cluster_sim
