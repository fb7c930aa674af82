// What a caller asks for when it submits a task.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/ids.h"
#include "common/base/resources.h"
#include "common/protocol/task_spec.h"

namespace rayx {

// What is the same in every call of one remote function or method with one set of options. Made
// once, used often.
struct TaskTemplate {
  FunctionId function;
  std::string name;
  ResourceSet resources;
  uint32_t return_count = 1;
  // Of a creation: how often the actor is made anew. Calls are never repeated, whatever is here.
  int32_t max_retries = 3;
  TaskKind kind = TaskKind::kFunction;
  // Of a call: the result of the actor's creation. Whoever submits refers to it.
  ObjectId actor;
  std::string method;
  // Of a creation: calls that may run at the same time; the name that others find it by, if it has
  // one, and what they need to know of it then.
  uint32_t max_concurrency = 1;
  std::string actor_name;
  std::string actor_info;
  // Higher runs first, among the tasks of one driver.
  int32_t priority = 0;
  // It is interrupted when it has run for so long; 0: never.
  uint64_t timeout_ms = 0;
  // Not 0: the task yields items, and is at most so many of them ahead of who takes them
  // (client/objects/streams.h). REQUIRES: return_count is 1.
  uint32_t stream_window = 0;
};

}  // namespace rayx
