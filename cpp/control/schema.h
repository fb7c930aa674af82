// Every name rayx uses on the control server: keys, fields, channels, the user, and where a name
// lives. README.md tells the same as a table, with writers and readers.
//
// Servers are numbered; 0 is the primary. Nodes, drivers, actors, errors and counters live on the
// primary. Functions, tasks and objects are spread over the shards (all servers but the primary) by
// a hash of their id, or live on the primary when it is alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rayx::control::schema {

// The ACL user of all rayx processes, and the only keys and channels it may touch.
inline constexpr std::string_view kUser = "rayx";
inline constexpr std::string_view kKeyPattern = "rayx:*";

inline constexpr size_t kPrimary = 0;

// --- keys: a prefix is followed by an id in hexadecimal digits ----------------------------------

inline constexpr std::string_view kNodeIds = "rayx:nodes";  // set of hex ids
inline constexpr std::string_view kNode = "rayx:node:";     // hash
inline constexpr std::string_view kDriverIds = "rayx:drivers";
inline constexpr std::string_view kDriver = "rayx:driver:";
inline constexpr std::string_view kDriverFunctions = "rayx:driver-functions:";  // set of hex ids
inline constexpr std::string_view kFunction = "rayx:function:";
inline constexpr std::string_view kTask = "rayx:task:";
inline constexpr std::string_view kActorIds = "rayx:actors";  // set of hex ids
inline constexpr std::string_view kActor = "rayx:actor:";
inline constexpr std::string_view kObject = "rayx:object:";
inline constexpr std::string_view kErrors = "rayx:errors:";  // list, by driver
inline constexpr std::string_view kCounters = "rayx:counters";

// --- channels -----------------------------------------------------------------------------------

// The hex id of a node that has registered or died; the record says which.
inline constexpr std::string_view kNodeChanged = "rayx:node-changed";

// --- fields of the hashes -----------------------------------------------------------------------

inline constexpr std::string_view kHost = "host";
inline constexpr std::string_view kPort = "port";
inline constexpr std::string_view kPid = "pid";
inline constexpr std::string_view kResourcePrefix = "resource:";  // + name = amount
inline constexpr std::string_view kPoolBytes = "pool_bytes";
inline constexpr std::string_view kStartedAt = "started_at";
inline constexpr std::string_view kHeartbeatAt = "heartbeat_at";
inline constexpr std::string_view kEndedAt = "ended_at";
inline constexpr std::string_view kAlive = "alive";
inline constexpr std::string_view kNodeField = "node";
inline constexpr std::string_view kDriverField = "driver";
inline constexpr std::string_view kFunctionField = "function";
inline constexpr std::string_view kName = "name";
inline constexpr std::string_view kPickled = "pickled";
inline constexpr std::string_view kState = "state";
inline constexpr std::string_view kAttempt = "attempt";
inline constexpr std::string_view kSpec = "spec";
inline constexpr std::string_view kClassField = "class";
inline constexpr std::string_view kRestarts = "restarts";
inline constexpr std::string_view kCause = "cause";
// An object's fields are the hex ids of the nodes that have it, each with the size. A counter's
// fields are "<writer>:<name>", each with what that writer has counted so far.

// --- where a name lives -------------------------------------------------------------------------

// FNV-1a: the same in every process and build, unlike std::hash.
constexpr uint64_t HashBytes(const uint8_t* bytes, size_t size) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (size_t i = 0; i < size; ++i) {
    hash ^= bytes[i];
    hash *= 0x100000001b3ull;
  }
  return hash;
}

// The server on which functions, tasks and objects of this id live. REQUIRES: servers > 0.
template <typename IdType>
size_t ShardOf(const IdType& id, size_t servers) {
  if (servers == 1) return kPrimary;
  return 1 + static_cast<size_t>(HashBytes(id.data(), IdType::kSize) % (servers - 1));
}

template <typename IdType>
std::string Key(std::string_view prefix, const IdType& id) {
  return std::string(prefix) + id.Hex();
}

}  // namespace rayx::control::schema
