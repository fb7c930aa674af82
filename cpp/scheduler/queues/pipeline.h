// Tasks handed to busy workers ahead of time.
//
// A worker that ends a task of some microseconds should find the next one waiting, not wait for a
// trip through the daemon. A runner is a busy worker that is not blocked; its tail are the tasks
// handed out behind the one it runs, all of the same scheduling class. They hold no resources: the
// next task inherits those of the one before.
//
// A tail is only as good as the guess that its worker will come to it soon. It is taken back (a
// revoke) when the worker blocks, when another worker could run it now, and when a starved task
// (waiting_heads.h) needs the resources.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/base/limits.h"
#include "scheduler/queues/scheduling_class.h"
#include "scheduler/types/worker_entry.h"

namespace rayx::scheduler {

class Pipeline {
 public:
  // Tails up to this length of a worker that makes progress are left alone: revoking them costs
  // more than they take if tasks are small ...
  static constexpr size_t kShortTail = limits::kPipelineDepth / 4;
  // ... and if tasks are not small, the worker is seen to make no progress for this long, little
  // against the task.
  static constexpr int64_t kNoProgressMs = 1;

  // `depth`: tail per worker; 0: nothing is handed out ahead.
  explicit Pipeline(size_t depth) : depth_(depth) {}

  // The worker runs the first task of its scheduling class, not blocked.
  void AddRunner(WorkerEntry& worker);
  // It blocks, is idle, ends or is gone. Nothing happens if it is no runner.
  void RemoveRunner(WorkerEntry& worker);
  // The worker's tail has grown or shrunk by some tasks. Nothing happens if it is no runner.
  void OnTailChanged(WorkerEntry& worker, size_t tail_before);

  // Handing out more is worth a look at all runners: one has little left, or together they have
  // much room.
  bool WorthFilling(const SchedulingClass& scheduling_class) const;
  // The runners of `scheduling_class` that may be given something, and how much each at most; the
  // shortest tails are to be filled first.
  size_t Room(const WorkerEntry& worker) const;

  // The runner of `scheduling_class` from which a revocation now would help most, or null.
  // `look_ms`: when to look again at tails that are left alone for now.
  WorkerEntry* LongestTail(const SchedulingClass& scheduling_class, int64_t now_ms,
                           std::optional<int64_t>& look_ms) const;
  // Scheduling classes with tails.
  const std::vector<SchedulingClass*>& tailed() const { return tailed_; }
  size_t depth() const { return depth_; }
  void SanityCheck() const;

 private:
  void SetTailTotal(SchedulingClass& scheduling_class, size_t total);

  const size_t depth_;
  std::vector<SchedulingClass*> tailed_;
};

}  // namespace rayx::scheduler
