// Every task that could run now: all lanes, and the order in which they are looked at.
//
// Within a driver, tasks of a higher priority come first, then deeper ones, then older ones; the
// next task of one driver competes with those of the others by arrival, so that a driver whose
// tasks submit many others does not hold back the rest.
//
// One round of decisions is a pass: BeginPass, then Next until it returns null, each time followed
// by Pop or Skip of that lane. A lane that was skipped is not seen again in this pass, so a task
// that does not fit costs one look a pass however many tasks are queued behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "scheduler/queues/lane.h"
#include "scheduler/resources/resource_shape.h"

namespace rayx::scheduler {

// The lanes of one driver.
struct DriverQueue {
  std::vector<std::unique_ptr<Lane>> all;
  // Those with ready tasks, in no order.
  std::vector<Lane*> ready;
  // Place in ReadyQueue's list of drivers with ready tasks, or kNoIndex.
  size_t ready_index = kNoIndex;
  // There have been lanes of different priorities.
  bool has_priorities = false;
  // What is left of the pass: a heap of lanes.
  std::vector<Lane*> pass;
};

class ReadyQueue {
 public:
  // Unused lanes and shapes are kept until there are this many: the next task is most likely like
  // the last ones.
  static constexpr size_t kLanesKept = 256;

  explicit ReadyQueue(ShapeTable& shapes);

  // The lane for tasks of this driver with this demand and of this kind; made if there is none.
  // REQUIRES: the demand is feasible. Stays valid while it has tasks or runners.
  Lane* FindLane(const DriverId& driver, const ResourceSet& demand, Lane::Kind kind = {});

  // The task becomes ready and gets the next arrival number. REQUIRES: its lane is set.
  void Push(TaskEntry& task);
  // The task has become ready and has been given to a worker at once; if it comes back, its place
  // is that of now.
  void StampArrival(TaskEntry& task) { task.arrival = next_arrival_++; }
  // The task is ready again, at its old place.
  void PutBack(TaskEntry& task);
  // Removes the head of the lane, or the task behind the first `skip`.
  TaskEntry* Pop(Lane& lane, size_t skip = 0);
  // Removes a ready task from wherever it stands.
  void Remove(const TaskEntry& task);
  // Removes all ready tasks of a lane.
  std::vector<TaskEntry*> TakeAll(Lane& lane);

  void BeginPass();
  Lane* Next() const;
  // After Pop of the lane that Next returned: back into the order by its new head, or out if it is
  // empty.
  void Reorder(Lane& lane);
  void Skip(Lane& lane);

  // Drivers that have ready tasks; their lanes with ready tasks.
  const std::vector<DriverQueue*>& ready_drivers() const { return ready_drivers_; }
  // Null if the driver has none.
  const DriverQueue* FindDriver(const DriverId& driver) const;
  // Forgets the driver. REQUIRES: its lanes have no tasks and no runners.
  void ForgetDriver(const DriverId& driver);

  size_t size() const { return size_; }
  size_t lane_count() const { return lanes_; }
  void SanityCheck() const;

 private:
  void Insert(TaskEntry& task);
  void LeaveReady(Lane& lane);
  // Puts the lane that Next returned back into the pass, or takes it out.
  void Settle(Lane& lane, bool stays);
  void Sweep();

  ShapeTable& shapes_;
  std::unordered_map<DriverId, std::unique_ptr<DriverQueue>> drivers_;
  std::vector<DriverQueue*> ready_drivers_;
  // What is left of the pass: a heap of drivers.
  std::vector<DriverQueue*> pass_;
  // Most tasks are like the one before.
  Lane* last_ = nullptr;
  size_t lanes_ = 0;
  size_t sweep_at_ = kLanesKept;
  size_t size_ = 0;
  uint64_t next_arrival_ = 1;
};

}  // namespace rayx::scheduler
