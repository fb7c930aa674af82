// The scheduler of one node among others: what it does for them, and what of its own work they
// could do.
//
//   Spreading(&scheduler).TakeSurplus(10)
//
// Tasks that were *placed* here have been counted by who places tasks of all nodes; they are in
// scheduling classes of their own, are no load, and stay.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/base/ids.h"
#include "common/base/resources.h"
#include "common/protocol/task_spec.h"
#include "scheduler/local_scheduler.h"

namespace rayx::scheduler {

// A view of a scheduler. Valid as long as that is.
class Spreading {
 public:
  explicit Spreading(LocalScheduler* scheduler) : state_(scheduler->state_.get()) {}

  // An event: as LocalScheduler::OnTaskSubmitted, of a task that was placed here, or the creation
  // of an actor. REQUIRES: it is no call.
  void OnPlaced(TaskSpec spec, std::span<const ObjectId> missing);

  // What tasks and actors hold and ready tasks ask for, without placed ones, less what of theirs
  // placed tasks have given back while they are blocked. Looks at all scheduling classes.
  ResourceSet Load() const;
  // Ready or prefetched tasks wait. O(1).
  bool HasQueued() const;
  // To be called again and again, with `is_watched` while other nodes could run what waits. Workers
  // that have ended nothing since the last time are asked for what they have prefetched, and their
  // scheduling class prefetches nothing until its tasks are seen to be short.
  void LookAtWorkers(bool is_watched);
  // How many ready tasks, and creations of actors, could go elsewhere: those beyond what is free
  // here now. Looks at all scheduling classes.
  size_t Surplus() const;
  // Takes up to `most` of these out of the scheduler, which does not know them any more; of each
  // scheduling class the last ones in order. A task that has been begun before stays, and so does
  // one with readers who are bound to this node: a stream.
  std::vector<TaskSpec> TakeSurplus(size_t most);
  // Of the creations among these, up to `most` are for other nodes from now on, the last ones first
  // (actors_elsewhere.h). Returns how many.
  size_t SendActors(size_t most);

 private:
  SchedulerState* state_;
};

}  // namespace rayx::scheduler
