// Every task that could run now: all scheduling classes, and the order in which they are looked at.
//
// Within a driver, tasks of a higher priority come first, then deeper ones, then older ones; the
// next task of one driver competes with those of the others by arrival, so that a driver whose
// tasks submit many others does not hold back the rest.
//
// One round of decisions is a pass: BeginPass, then Next until it returns null, each time followed
// by Pop or Skip of that scheduling class. A scheduling class that was skipped is not seen again in
// this pass, so a task that does not fit costs one look a pass however many tasks are queued behind
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "scheduler/queues/scheduling_class.h"
#include "scheduler/resources/resource_shape.h"

namespace rayx::scheduler {

// The scheduling classes of one driver.
struct DriverQueue {
  std::vector<std::unique_ptr<SchedulingClass>> all;
  // The classes with ready tasks, in no order.
  std::vector<SchedulingClass*> ready;
  // Place in ReadyQueue's list of drivers with ready tasks, or kNoIndex.
  size_t ready_index = kNoIndex;
  // There have been scheduling classes of different priorities.
  bool has_priorities = false;
  // What is left of the pass: a heap of scheduling classes.
  std::vector<SchedulingClass*> pass;
};

class ReadyQueue {
 public:
  // Unused scheduling classes and shapes are kept until there are this many: the next task is most
  // likely like the last ones.
  static constexpr size_t kClassesKept = 256;

  explicit ReadyQueue(ShapeTable& shapes);

  // The scheduling class for tasks of this driver with this demand and of this kind; made if there
  // is none. REQUIRES: the demand is feasible. Stays valid while it has tasks or runners.
  SchedulingClass* FindClass(const DriverId& driver, const ResourceSet& demand,
                             SchedulingClass::Kind kind = {});

  // The task becomes ready and gets the next arrival number. REQUIRES: its scheduling class is set.
  void Push(TaskEntry& task);
  // The task has become ready and has been given to a worker at once; if it comes back, its place
  // is that of now.
  void StampArrival(TaskEntry& task) { task.arrival = next_arrival_++; }
  // The task is ready again, at its old place.
  void PutBack(TaskEntry& task);
  // Removes the head of the scheduling class, or the task behind the first `skip`.
  TaskEntry* Pop(SchedulingClass& scheduling_class, size_t skip = 0);
  // Removes a ready task from wherever it stands.
  void Remove(const TaskEntry& task);
  // Removes all ready tasks of a scheduling class.
  std::vector<TaskEntry*> TakeAll(SchedulingClass& scheduling_class);

  void BeginPass();
  SchedulingClass* Next() const;
  // After Pop of the scheduling class that Next returned: back into the order by its new head, or
  // out if it is empty.
  void Reorder(SchedulingClass& scheduling_class);
  void Skip(SchedulingClass& scheduling_class);

  // Drivers that have ready tasks; their scheduling classes with ready tasks.
  const std::vector<DriverQueue*>& ready_drivers() const { return ready_drivers_; }
  // Drivers that have scheduling classes.
  const std::unordered_map<DriverId, std::unique_ptr<DriverQueue>>& drivers() const {
    return drivers_;
  }
  // Forgets the driver. REQUIRES: its scheduling classes have no tasks and no runners.
  void ForgetDriver(const DriverId& driver);

  size_t size() const { return size_; }
  size_t class_count() const { return classes_; }
  void SanityCheck() const;

 private:
  void Insert(TaskEntry& task);
  void LeaveReady(SchedulingClass& scheduling_class);
  // Puts the scheduling class that Next returned back into the pass, or takes it out.
  void Settle(SchedulingClass& scheduling_class, bool stays);
  void Sweep();

  ShapeTable& shapes_;
  std::unordered_map<DriverId, std::unique_ptr<DriverQueue>> drivers_;
  std::vector<DriverQueue*> ready_drivers_;
  // What is left of the pass: a heap of drivers.
  std::vector<DriverQueue*> pass_;
  // Most tasks are like the one before.
  SchedulingClass* last_ = nullptr;
  size_t classes_ = 0;
  size_t sweep_at_ = kClassesKept;
  size_t size_ = 0;
  uint64_t next_arrival_ = 1;
};

}  // namespace rayx::scheduler
