// Another way for a task to its worker than through the node.
#pragma once

#include <cstdint>
#include <span>

#include "client/tasks/task_encoder.h"
#include "common/base/ids.h"
#include "common/base/status.h"

namespace rayx {

class Shortcut {
 public:
  virtual ~Shortcut() = default;
  // Gives the task to its worker. False, and nothing has happened, if it must go to the node: then
  // it goes there now. `spec`: the encoded task. One thread at a time calls it, in the order of
  // submission.
  virtual Result<bool> Submit(const TaskCall& call, std::span<const uint8_t> spec) = 0;
  // The node is about to be told to end the actor. What is called from now on comes after that.
  virtual void OnKill(const TaskId& actor) = 0;
};

}  // namespace rayx
