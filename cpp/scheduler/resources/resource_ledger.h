// What the node has, what is free, and what blocked tasks keep.
//
// A busy worker is charged with the demand of the task it runs; those that it has prefetched cost
// nothing and inherit the charge. A blocked worker gives back its CPU and keeps the rest. When it
// unblocks it takes its CPU again at once, in use or not, so `available` may be negative for a
// while: nothing new starts until it is not. What an actor has, it has for life, except that it
// gives back its CPU as well while it is blocked.
#pragma once

#include <optional>

#include "common/base/resources.h"
#include "scheduler/resources/resource_shape.h"

namespace rayx::scheduler {

class ResourceLedger {
 public:
  explicit ResourceLedger(const ResourceSet& total);

  const ResourceSet& total() const { return total_; }
  const Amounts& available() const { return available_; }
  ResourceSet AvailableSet() const;

  void Take(const Shape& shape);
  void Return(const Shape& shape);
  // The holder of `shape` blocks: its CPU is free, the rest is kept by a task that may wait for
  // others.
  void Block(const Shape& shape);
  void Unblock(const Shape& shape);
  // The holder of `shape` keeps all of it, for longer than anybody should wait for: it is an actor.
  void KeepForLife(const Shape& shape);
  void EndOfLife(const Shape& shape);
  // An actor blocks. What it keeps stays the same: it will take its CPU again.
  void GiveBackCpu(const Shape& shape);
  void TakeCpuAgain(const Shape& shape);

  // Everything `shape` asks for will be free once the tasks that run now, and are not blocked, have
  // ended. Keeping resources back for any other shape could stop the very task that a blocked one
  // waits for. A share of a GPU that is kept counts as a GPU of its own, since others may need
  // a whole one.
  bool FreeOnceRunningEnd(const Shape& shape) const;

  // More of something that `shape` asks for is in use than there is.
  bool Overdrawn(const Shape& shape) const;

  // How much blocked tasks and actors hold.
  const Amounts& kept() const { return kept_; }
  const Amounts& total_amounts() const { return total_amounts_; }
  std::optional<ResourceIndex> cpu() const { return cpu_; }
  std::optional<ResourceIndex> gpu() const { return gpu_; }

 private:
  const ResourceSet total_;
  Amounts total_amounts_;
  Amounts available_;
  void Keep(const Shape::Item& item, int64_t sign);

  Amounts kept_;
  // GPUs of which something is kept, at most.
  int64_t gpu_units_touched_ = 0;
  std::optional<ResourceIndex> cpu_;
  std::optional<ResourceIndex> gpu_;
};

}  // namespace rayx::scheduler
