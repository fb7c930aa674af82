// The configuration of a control server, for Valkey 7.2 or later and Redis 6.2 or later.
//
// The server listens on a Unix socket only, knows one user who may do nothing but what the tables
// need, and keeps its data by append-only file in the session directory. The text holds the
// password: hand it to the server by a pipe (its standard input, argument "-") or a file of mode
// 0600, never as an argument.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace rayx::control {

struct ServerConfig {
  std::string socket_path;
  // For the append-only file; must exist, with mode 0700.
  std::string directory;
  // Letters and digits only; a random one, see random_bytes.h.
  std::string password;
};

// The commands that the tables use; the user may call no others.
std::span<const std::string_view> CommandsUsed();

// InvalidArgument if a path is not absolute or the password has other characters or fewer than 16.
Result<std::string> ServerConfigText(const ServerConfig& config);

}  // namespace rayx::control
