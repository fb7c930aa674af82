// The control tables on Valkey or Redis servers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/io/event_loop.h"
#include "control/redis_connection.h"
#include "control/tables.h"

namespace rayx::control {

// As of RedisEndpoint.
struct RedisAddress {
  std::string unix_path;
  DialServer dial = nullptr;
};

struct RedisOptions {
  // The first is the primary. At least one; the same, in the same order, for everyone who uses the
  // cluster.
  std::vector<RedisAddress> shards;
  // Of the user that server_config.h sets up.
  std::string password;
};

// The servers, and how to log in.
std::vector<RedisEndpoint> EndpointsOf(const RedisOptions& options);

// Connects in the background: writes and reads may be queued at once. `loop` must outlive the
// tables.
std::unique_ptr<Tables> MakeRedisTables(EventLoop* loop, const RedisOptions& options);

}  // namespace rayx::control
