// How many tasks of this node have ended, as counters in the control tables.
//
// They are all that the tables learn of a task that stays on its node, or of its objects: the node
// answers questions about these (record_lists.h), and a burst of tasks costs no write each.
#pragma once

#include <cstdint>
#include <optional>

#include "control/tables.h"

namespace rayx::daemon {

class TaskCounts {
 public:
  explicit TaskCounts(control::Tables* tables) : tables_(tables) {}

  void OnTaskEnded(bool failed) { ++(failed ? failed_ : done_); }

  // Writes what has been counted. Call in each turn; does nothing until limits::kControlFlushMs
  // have passed.
  void Flush(int64_t now_ms);
  // The time at which Flush has something to do; nothing if all is written.
  std::optional<int64_t> NextFlushMs() const;

 private:
  control::Tables* tables_;
  int64_t done_ = 0;
  int64_t failed_ = 0;
  int64_t last_flush_ms_ = 0;
};

}  // namespace rayx::daemon
