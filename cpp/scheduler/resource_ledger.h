// What the node has, what is free, and what blocked tasks keep.
//
// A busy worker is charged with the demand of the task it runs; those handed to it ahead cost
// nothing and inherit the charge. A blocked worker gives back its CPU and keeps the rest. When it
// unblocks it takes its CPU again at once, in use or not, so `available` may be negative for a
// while: nothing new starts until it is not.
#pragma once

#include <optional>

#include "common/base/resources.h"
#include "scheduler/resource_shape.h"

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

  // Everything `shape` asks for will be free once the tasks that run now, and are not blocked, have
  // ended. Keeping resources back for any other shape could stop the very task that a blocked one
  // waits for.
  bool FreeOnceRunningEnd(const Shape& shape) const;

  // More of something that `shape` asks for is in use than there is.
  bool Overdrawn(const Shape& shape) const;

  const Amounts& kept_by_blocked() const { return kept_by_blocked_; }
  const Amounts& total_amounts() const { return total_amounts_; }
  std::optional<ResourceIndex> cpu() const { return cpu_; }

 private:
  const ResourceSet total_;
  Amounts total_amounts_;
  Amounts available_;
  Amounts kept_by_blocked_;
  std::optional<ResourceIndex> cpu_;
};

}  // namespace rayx::scheduler
