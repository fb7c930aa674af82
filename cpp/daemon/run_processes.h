// The two processes of this room, from their options to their end. Their mains call these when they
// have read the command line.
#pragma once

#include <functional>
#include <memory>

#include "common/io/event_loop.h"
#include "control/redis_tables.h"
#include "daemon/node_options.h"
#include "daemon/supervision/supervisor.h"

namespace rayx::daemon {

using TablesMaker = std::function<std::unique_ptr<control::Tables>(
    EventLoop* loop, const control::RedisOptions& servers)>;

// Runs rayx-node until it is told to stop; returns the exit code. Logs must have been started.
int RunNode(NodeOptions options, const TablesMaker& make_tables = control::MakeRedisTables);

// Runs rayx-supervisor until its session has ended; returns the exit code. Programs
// of rayx that `options` does not name are those beside this one.
int RunSupervisor(SupervisorOptions options);

}  // namespace rayx::daemon
