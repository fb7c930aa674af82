// Whole lives of some nodes that run each other's tasks, from seeds: each node is a World (sim/),
// with real sessions' properties between them, a model of who places tasks, and of who copies
// values.
//
//   drivers run their programs ──▶ everything comes to rest ──▶ drivers leave ──▶ rest again
#pragma once

#include <string>

#include "sim/nodes/nodes_report.h"

namespace rayx::sim {

NodesReport SimulateNodes(const NodesOptions& options);
std::string TextOf(const NodesOptions& options, const NodesReport& report);

}  // namespace rayx::sim
