// Writes TaskSpec messages. Keeps its memory from one to the next. One thread at a time uses it.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <span>

#include "client/values/object_pieces.h"
#include "client/values/task_template.h"
#include "common/base/ids.h"
#include "common/protocol/object_layout.h"

namespace rayx {

// One call of a remote function, on its way to the node. Everything is borrowed.
struct TaskCall {
  const TaskTemplate* task = nullptr;
  TaskId id;
  DriverId driver;
  // Of a call: which run of a function submits it (CallerId).
  uint32_t run = 0;
  // The arguments, to be written into the message; null for none, or if they are the last
  // dependency.
  const ObjectPieces* args = nullptr;
  const ObjectPlan* args_plan = nullptr;
  bool args_in_store = false;
  std::span<const ObjectId> dependencies;
  std::span<const ObjectId> contained;
};

class TaskEncoder {
 public:
  // The message; valid until the next call.
  std::span<const uint8_t> Encode(const TaskCall& call);

 private:
  flatbuffers::FlatBufferBuilder builder_{4096};
};

}  // namespace rayx
