// Which of this node's tasks others are asked to run: those that would wait here for long.
//
// Each task is queued here first. While tasks wait, the node looks each limits::kSpreadLookMs how
// many have ended: as many as it will begin within limits::kSpreadKeepMs at that pace stay, the
// rest is given away, the last ones first. What workers hold and do not come to is among it. So
// work that this node does soon costs nothing of others, however many tasks it is, and long tasks
// wait for no longer than a moment while other nodes are idle. Actors for which there is no room
// here are offered at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "node/given_tasks.h"
#include "node/guest_tasks.h"
#include "node/shell.h"
#include "scheduler/local_scheduler.h"

namespace rayx::node {

class TaskSpread {
 public:
  // All must outlive it.
  TaskSpread(const Shell& shell, scheduler::LocalScheduler* scheduler, const DriverBook* drivers,
             GivenTasks* given, GuestTasks* guest)
      : shell_(shell), scheduler_(scheduler), drivers_(drivers), given_(given), guest_(guest) {}

  // In each turn, when the scheduler has decided. True if another should follow at once.
  bool OnTurn(int64_t now_ms);
  std::optional<int64_t> NextTickMs() const;

  // Gives away up to so many. True if there were any.
  bool GiveAway(size_t most);

 private:
  const Shell shell_;
  scheduler::LocalScheduler* const scheduler_;
  const DriverBook* const drivers_;
  GivenTasks* const given_;
  GuestTasks* const guest_;
  // When to look next, while tasks wait.
  std::optional<int64_t> look_ms_;
  // At the last look: when it was, and what had ended.
  int64_t looked_ms_ = 0;
  uint64_t finished_ = 0;
};

}  // namespace rayx::node
