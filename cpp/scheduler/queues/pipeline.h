// Prefetched tasks: those that busy workers have been handed before they can begin them.
//
// A worker that ends a task of some microseconds should find the next one waiting, not wait for a
// trip through the daemon. A runner is a busy worker that is not blocked; what it has
// prefetched are the tasks that it holds behind the one it runs, all of the same scheduling class.
// They hold no resources: the next task inherits those of the one before.
//
// Prefetching is only as good as the guess that the worker will come to the tasks soon. They are
// revoked when the worker blocks, when another worker could run one now, and when a starved task
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
  // So few tasks of a worker that makes progress are left to it: revoking them costs more than
  // running them if tasks are small ...
  static constexpr size_t kFewPrefetched = limits::kPipelineDepth / 4;
  // ... and if tasks are not small, the worker is seen to make no progress for this long, little
  // against the task.
  static constexpr int64_t kNoProgressMs = 1;

  // `depth`: the most that a worker prefetches; 0: nothing.
  explicit Pipeline(size_t depth) : depth_(depth) {}

  // The worker runs the first task of its scheduling class, not blocked.
  void AddRunner(WorkerEntry& worker);
  // It blocks, is idle, ends or is gone. Nothing happens if it is no runner.
  void RemoveRunner(WorkerEntry& worker);
  // The worker holds more or fewer prefetched tasks. Nothing happens if it is no runner.
  void OnPrefetchedChanged(WorkerEntry& worker, size_t prefetched_before);

  // Handing out more is worth a look at all runners: one has little left, or together they have
  // much room.
  bool WorthFilling(const SchedulingClass& scheduling_class) const;
  // How many more tasks the runner may prefetch. Those that hold the fewest are to be given some
  // first.
  size_t Room(const WorkerEntry& worker) const;

  // The runner of `scheduling_class` from which a revocation now would help most, or null.
  // `look_ms`: when to look again at tasks that are left to their workers for now.
  WorkerEntry* MostPrefetched(const SchedulingClass& scheduling_class, int64_t now_ms,
                              std::optional<int64_t>& look_ms) const;
  // Scheduling classes whose runners hold prefetched tasks.
  const std::vector<SchedulingClass*>& with_prefetched() const { return with_prefetched_; }
  size_t depth() const { return depth_; }
  void SanityCheck() const;

 private:
  void SetPrefetchedTotal(SchedulingClass& scheduling_class, size_t total);

  const size_t depth_;
  std::vector<SchedulingClass*> with_prefetched_;
};

}  // namespace rayx::scheduler
