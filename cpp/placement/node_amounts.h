// What one node has, what its own tasks hold or wait for, and what was placed on it and has not
// ended.
//
// What a node says is up to 100 ms old. So it tells of its own tasks alone; what was placed there
// is counted here. Both sums are exact, and no decision depends on which message was first.
//
// A node has *free* what neither of them holds. It has *room* for what is free, and for a bit more,
// which waits there so that no processor waits for the next placement: as much as has ended
// there in limits::kPlacedAheadMs, so nothing to speak of for long tasks, which therefore go to
// whoever is free first, and thousands for tiny ones. A node that its own tasks keep busy still has
// room for as much as it has in all: these take turns there.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/base/resources.h"
#include "placement/demand_table.h"
#include "placement/node_tree.h"

namespace rayx::placement {

class NodeAmounts {
 public:
  NodeAmounts(ResourceNames* names, const ResourceSet& total);

  // What tasks hold and wait for that were not placed here, less what tasks have given back that
  // were.
  void SetLocal(const ResourceNames& names, const ResourceSet& demand);
  // A task that asks for this is here (1), or is not any more (-1).
  void Charge(const Demand& demand, int64_t sign);
  // One has ended here.
  void CountEnded(const Demand& demand);
  // Another limits::kPlacedAheadMs has passed: what ended before the last one counts no more. False
  // if nothing is left of it.
  bool NextPeriod();

  // It could run such a task if it did nothing else.
  bool CouldRun(const Demand& demand) const;
  // All of it is free; or there is room for it.
  bool FitsNow(const Demand& demand) const;
  bool HasRoom(const Demand& demand) const;
  // How long such a task would wait at the pace of the last tasks that have ended; nothing if that
  // is unknown.
  std::optional<int64_t> WaitMs(const Demand& demand) const;
  // The largest part of what it has that is held or waited for; over 1 if something waits. Of what
  // else is equal, the node with fewer tasks has less.
  float load() const { return bounds_.load; }
  int64_t placed_tasks() const { return resources_.front().placed; }
  // How much of it there is; 0 if it has none.
  int64_t TotalOf(ResourceIndex resource) const;
  // For the index.
  const NodeBounds& bounds() const { return bounds_; }

 private:
  struct Resource {
    ResourceIndex index = kTasks;
    int64_t total = 0;
    int64_t local = 0;
    int64_t placed = 0;
    // What ended in this period, and in the one before.
    int64_t ended = 0;
    int64_t ended_before = 0;

    int64_t ended_lately() const { return ended > ended_before ? ended : ended_before; }
    int64_t free() const { return total - local - placed; }
    int64_t room() const {
      const int64_t ahead = free() + ended_lately();
      return ahead > total - placed ? ahead : total - placed;
    }
  };

  const Resource* Find(ResourceIndex index) const;
  Resource* Find(ResourceIndex index);
  void Refresh();

  std::vector<Resource> resources_;  // rising by index
  NodeBounds bounds_;
};

}  // namespace rayx::placement
