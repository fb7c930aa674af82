// Sends tasks to the node, and cancels them and ends actors. Any thread may call it.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "client/link/node_link.h"
#include "client/objects/object_access.h"
#include "client/tasks/id_source.h"
#include "client/tasks/shortcut.h"
#include "client/tasks/task_encoder.h"
#include "client/values/object_pieces.h"
#include "client/values/task_template.h"
#include "common/base/ids.h"
#include "common/base/status.h"

namespace rayx {

class TaskSubmitter {
 public:
  // Who submits.
  struct Origin {
    DriverId driver;
    // The ids are named after the task that this thread runs.
    bool in_task = false;
    // The newest run of a function, as WorkerTasks counts them.
    uint32_t run = 0;
  };

  // All must outlive it.
  TaskSubmitter(NodeLink* link, ObjectAccess* objects, Shortcut* shortcut, IdSource* ids)
      : link_(link), objects_(objects), shortcut_(shortcut), ids_(ids) {}

  // These do what Client says.
  Result<std::vector<ObjectId>> Submit(const TaskTemplate& task, const Origin& origin,
                                       const ObjectPieces* args,
                                       std::span<const ObjectId> dependencies);
  Status Cancel(const ObjectId& id, bool force);
  Status CancelAll(bool force);
  Status KillActor(const ObjectId& actor);

 private:
  Status SendCancel(const TaskId& task, bool force);
  Status Send(const TaskCall& call);

  NodeLink* const link_;
  ObjectAccess* const objects_;
  Shortcut* const shortcut_;
  IdSource* const ids_;
  std::mutex encoder_mutex_;
  TaskEncoder encoder_;  // protected by encoder_mutex_
};

}  // namespace rayx
