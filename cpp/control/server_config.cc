#include "control/server_config.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/base/ids.h"
#include "control/schema.h"

namespace rayx::control {
namespace {

constexpr size_t kPasswordSizeMin = 16;

constexpr std::array<std::string_view, 17> kCommandsUsed = {
    "del",          "exists",   "hdel",    "hgetall",   "hset",       "lrange",
    "ltrim",        "ping",     "publish", "rpush",     "sadd",       "scan",
    "script|flush", "smembers", "srem",    "subscribe", "unsubscribe"};

bool IsLetterOrDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// The server reads text in double quotes, with other bytes as \xNN.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\' || byte < 0x20 || byte >= 0x7f) {
      quoted += "\\x" + ToHex(&byte, 1);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

void AppendLine(std::string* text, std::string_view name, std::string_view value) {
  text->append(name).append(" ").append(value).append("\n");
}

// On top of these, `reset` takes away every right, key and channel.
std::string UserLine(const std::string& password) {
  std::string line = std::string(schema::kUser) + " reset on >" + password + " ~" +
                     std::string(schema::kKeyPattern) + " &" + std::string(schema::kKeyPattern) +
                     " -@all";
  for (const std::string_view command : kCommandsUsed) line.append(" +").append(command);
  return line;
}

}  // namespace

std::span<const std::string_view> CommandsUsed() { return kCommandsUsed; }

Result<std::string> ServerConfigText(const ServerConfig& config) {
  if (!config.socket_path.starts_with('/') || !config.directory.starts_with('/')) {
    return Status::InvalidArgument("the paths of a control server must be absolute");
  }
  if (config.password.size() < kPasswordSizeMin ||
      !std::all_of(config.password.begin(), config.password.end(), IsLetterOrDigit)) {
    return Status::InvalidArgument(
        "the password of a control server must be 16 or more letters and digits");
  }
  std::string text;
  // The users that may log in.
  AppendLine(&text, "port", "0");
  AppendLine(&text, "unixsocket", Quoted(config.socket_path));
  AppendLine(&text, "unixsocketperm", "700");
  AppendLine(&text, "protected-mode", "yes");
  AppendLine(&text, "user", "default reset");
  AppendLine(&text, "user", UserLine(config.password));
  // A child of ours, whose output goes where we say.
  AppendLine(&text, "daemonize", "no");
  AppendLine(&text, "supervised", "no");
  AppendLine(&text, "logfile", "\"\"");
  AppendLine(&text, "loglevel", "warning");
  AppendLine(&text, "always-show-logo", "no");
  AppendLine(&text, "set-proc-title", "no");
  AppendLine(&text, "pidfile", "\"\"");
  // It looks around twice a second, not ten times: it has no keys that expire, and most of what an
  // idle session takes of a processor would be this.
  AppendLine(&text, "hz", "2");
  // Outlives its own death: what was written up to a second before is there again.
  AppendLine(&text, "dir", Quoted(config.directory));
  AppendLine(&text, "appendonly", "yes");
  AppendLine(&text, "appendfsync", "everysec");
  AppendLine(&text, "aof-load-truncated", "yes");
  AppendLine(&text, "no-appendfsync-on-rewrite", "yes");
  AppendLine(&text, "save", "\"\"");
  // Small: no replicas, one data base, little kept about itself.
  AppendLine(&text, "databases", "1");
  AppendLine(&text, "maxmemory-policy", "noeviction");
  AppendLine(&text, "slowlog-max-len", "16");
  AppendLine(&text, "acllog-max-len", "16");
  AppendLine(&text, "io-threads", "1");
  AppendLine(&text, "client-output-buffer-limit", "pubsub 32mb 8mb 60");
  AppendLine(&text, "client-query-buffer-limit", "256mb");
  AppendLine(&text, "lazyfree-lazy-user-del", "yes");
  return text;
}

}  // namespace rayx::control
