// A task as the cores see it: the fields of the TaskSpec message that decisions need, and the
// message itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/resources.h"
#include "common/base/status.h"

namespace rayx {

enum class TaskKind : uint8_t { kFunction, kActorCreation, kActorCall };

struct TaskSpec {
  TaskId id;
  DriverId driver;
  FunctionId function;
  std::string name;
  // Objects that must be available first.
  std::vector<ObjectId> dependencies;
  // Ids inside the arguments, kept alive until the task has ended.
  std::vector<ObjectId> contained;
  ResourceSet resources;
  uint32_t return_count = 1;
  // -1: without bound.
  int32_t max_retries = 0;
  TaskKind kind = TaskKind::kFunction;
  // Of a call: the task that made the actor.
  TaskId actor;
  // Of a creation: calls that may run at the same time, at least 1.
  uint32_t max_concurrency = 1;
  // Of a creation: empty if others cannot find it.
  std::string actor_name;
  // Higher runs first, among the tasks of one driver.
  int32_t priority = 0;
  // It is interrupted when it has run for so long; 0: never.
  uint64_t timeout_ms = 0;
  // Not 0: its results are a stream, and so many items may wait to be taken.
  uint32_t stream_window = 0;
  // The encoded message, as the client sent it and the worker gets it.
  std::string encoded;

  ObjectId ReturnId(uint32_t index) const { return ObjectId::ForReturn(id, index); }
};

// Verifies and reads a TaskSpec message. ProtocolError if it is malformed or beyond a limit.
// REQUIRES: `encoded` starts aligned to 8 bytes, as payloads of frames and strings of their own do.
Result<TaskSpec> ParseTaskSpec(std::span<const uint8_t> encoded);

}  // namespace rayx
