// What a worker is given to run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/values/object_view.h"
#include "common/base/ids.h"
#include "common/protocol/task_spec.h"

namespace rayx {

// A task that this worker is to run. The spans live as long as the task.
struct RunnableTask {
  // Names the task among those of this worker.
  uint32_t sequence = 0;
  uint32_t attempt = 0;
  // A client gave it to the worker, not the node.
  bool from_client = false;
  TaskId id;
  DriverId driver;
  FunctionId function;
  std::string name;
  uint32_t return_count = 1;
  // The arguments in the object layout; empty if there are none, or if they are the last
  // dependency.
  std::span<const uint8_t> args;
  bool args_in_store = false;
  std::vector<ObjectId> dependencies;
  // The values of `dependencies`, in their order; all are present.
  std::vector<ObjectView> values;
  // Set when this worker has not run a task of the driver before.
  std::optional<std::string> driver_config;
  TaskKind kind = TaskKind::kFunction;
  // In a call: the task that made the actor, and the method.
  TaskId actor;
  std::string method;
  CallOptions options;
  // The GPUs that the task, or its actor, has (by index), and the CPUs that it asked for (a call
  // asks for none, as it runs on those of its actor).
  std::vector<uint32_t> gpus;
  double cpus = 0;
  // In a creation whose actor lived before and left its state: the object that holds it, which is
  // referred to until the task has ended.
  std::optional<ObjectId> state;
  // What the driver wants run in this worker before the task, pickled, in order.
  std::vector<std::string> setups;
  // The message that the spans point into.
  std::shared_ptr<const void> memory;
};

}  // namespace rayx
