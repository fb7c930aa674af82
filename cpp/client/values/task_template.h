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
  // REQUIRES of a stream: return_count is 1.
  CallOptions options;
  TaskKind kind = TaskKind::kFunction;
  // In a call: the result of the actor's creation. The submitter refers to it.
  ObjectId actor;
  std::string method;
  // In a creation: the name by which tasks of the driver find the actor, if it has one, and what
  // they need to know of it then.
  std::string actor_name;
  std::string actor_info;
};

}  // namespace rayx
