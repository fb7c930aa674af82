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
#include "common/protocol/call_options.h"

namespace rayx {

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
  TaskKind kind = TaskKind::kFunction;
  // The task that made the actor that is called.
  TaskId actor;
  // Of a creation: empty if others cannot find it.
  std::string actor_name;
  // Of the call of a method: max_retries is 0, what has begun is not repeated.
  CallOptions options;
  // Of a call: which run of a function of its process submits it, as CallerId says.
  uint32_t run = 0;
  // The encoded message, as the client sent it and the worker gets it.
  std::string encoded;

  ObjectId ReturnId(uint32_t index) const { return ObjectId::ForReturn(id, index); }
};

// Verifies and reads a TaskSpec message. ProtocolError if it is malformed or beyond a limit.
// REQUIRES: `encoded` starts aligned to 8 bytes, as payloads of frames and strings of their own do.
Result<TaskSpec> ParseTaskSpec(std::span<const uint8_t> encoded);

}  // namespace rayx
