// What the control tables learn about the tasks and objects of this node, and when.
//
// The hot path only notes ids. Every limits::kControlFlushMs a bounded number of the tasks and
// objects that are still alive is written, so what lived and died between two flushes costs no
// write at all, and a burst of tasks does not turn into a burst of writes.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_set>

#include "common/base/ids.h"
#include "control/tables.h"

namespace rayx::daemon {

class RecordKeeper {
 public:
  struct Sources {
    // The present record of a task or object; nothing if it is gone.
    std::function<std::optional<control::TaskRecord>(const TaskId&)> task;
    std::function<std::optional<uint64_t>(const ObjectId&)> object_size;
  };

  RecordKeeper(control::Tables* tables, NodeId node);
  void set_sources(Sources sources) { sources_ = std::move(sources); }

  void OnTaskSubmitted(const TaskId& id) { new_tasks_.push_back(id); }
  void OnTaskAssigned(const TaskId& id) {
    // Only a task whose record says "waiting" needs a new one.
    if (!recorded_tasks_.empty() && recorded_tasks_.count(id) != 0) new_tasks_.push_back(id);
  }
  void OnTaskEnded(const TaskId& id, bool failed);
  void OnObjectSealed(const ObjectId& id) { new_objects_.push_back(id); }
  void OnObjectDeleted(const ObjectId& id);

  // Writes what is due. Call in each turn; does nothing until limits::kControlFlushMs have passed.
  void Flush(int64_t now_ms);
  // The time at which Flush has something to do; nothing if all is written.
  std::optional<int64_t> NextFlushMs() const;

 private:
  control::Tables* tables_;
  NodeId node_;
  Sources sources_;
  std::deque<TaskId> new_tasks_;
  std::deque<ObjectId> new_objects_;
  std::unordered_set<TaskId> recorded_tasks_;
  std::unordered_set<ObjectId> recorded_objects_;
  int64_t tasks_done_ = 0;
  int64_t tasks_failed_ = 0;
  int64_t last_flush_ms_ = 0;
};

}  // namespace rayx::daemon
