// The two processes of this room, from their options to their end. Their mains call these when they
// have read the command line.
#pragma once

#include <functional>
#include <memory>

#include "daemon/node_options.h"

namespace rayx {
class EventLoop;
}
namespace rayx::control {
class Tables;
struct RedisOptions;
}  // namespace rayx::control

namespace rayx::daemon {

struct SupervisorOptions;

using TablesMaker = std::function<std::unique_ptr<control::Tables>(
    EventLoop* loop, const control::RedisOptions& servers)>;

// Runs rayx-node until it is told to stop; returns the exit code. Logs must have been started.
// Without `make_tables`, its tables are those of the control servers.
int RunNode(NodeOptions options, const TablesMaker& make_tables = {});

// Runs rayx-supervisor until its session has ended; returns the exit code. Programs
// of rayx that `options` does not name are those beside this one.
int RunSupervisor(SupervisorOptions options);

}  // namespace rayx::daemon
