// Sends tasks to the node, and cancels them and ends actors. Any thread may call it.
#pragma once

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
  // All must outlive it.
  TaskSubmitter(NodeLink* link, ObjectAccess* objects, Shortcut* shortcut, IdSource* ids)
      : link_(link), objects_(objects), shortcut_(shortcut), ids_(ids) {}

  // These do what Client says. `in_task`: the ids are named after the task that this thread runs.
  Result<std::vector<ObjectId>> Submit(const TaskTemplate& task, const DriverId& driver,
                                       const ObjectPieces* args,
                                       std::span<const ObjectId> dependencies, bool in_task);
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
