// What a life of some nodes begins with, and what is told of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rayx::sim {

struct NodesOptions {
  uint64_t seed = 0;
  size_t tasks = 40;
  size_t trace_lines = 0;
};

struct NodesReport {
  // The first rule that was broken; empty if none was.
  std::string broken;
  uint64_t trace_hash = 0;
  uint64_t events = 0;
  size_t tasks = 0;
  // Placed at another node than their home.
  size_t placed = 0;
  size_t forwarded = 0;
  size_t given_away = 0;
  size_t copies = 0;
  size_t crashes = 0;
  size_t cuts = 0;
  // Nodes that were drained and had nothing of others then.
  size_t drained = 0;
  std::vector<std::string> trace;
};

}  // namespace rayx::sim
