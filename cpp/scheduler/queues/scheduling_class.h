// A scheduling class: the tasks of one driver that ask for the same resources with the same
// priority. They are interchangeable to the scheduler: what one may have, another may have instead,
// on the same workers.
//
// Ready tasks of a scheduling class run in order of arrival, but what a task submits runs before
// what its driver submitted (deeper levels first): a tree of tasks that wait for their children is
// walked in depth, so that the number of blocked workers grows with its depth and not with its
// size. Each kOldestTurn-th task is the oldest instead, so that a task that submits itself again
// for ever starves nobody.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "common/base/ids.h"
#include "scheduler/resources/resource_shape.h"
#include "scheduler/types/task_entry.h"
#include "scheduler/types/worker_entry.h"

namespace rayx::scheduler {

struct DriverQueue;

inline constexpr size_t kNoIndex = static_cast<size_t>(-1);

// How long a scheduling class has waited for resources, and whom its head has seen go by
// (waiting_heads.h).
struct HeadWait {
  struct Need {
    ResourceIndex resource = 0;
    int64_t units = 0;
    // There was not enough of it when the head was looked at last.
    bool lacking = false;
    // Later tasks that were given some of it meanwhile.
    uint32_t bypassed = 0;
  };
  // False: the scheduling class does not wait, or nobody looks. True only while the scheduling
  // class has ready tasks.
  bool watched = false;
  int64_t since_ms = 0;
  std::vector<Need> needs;
};

class SchedulingClass {
 public:
  // One task in so many is taken by arrival alone. Rare, since each opens a branch of a tree of
  // blocking tasks early.
  static constexpr uint32_t kOldestTurn = 256;

  // What a scheduling class has in common besides its driver.
  struct Kind {
    int32_t priority = 0;
    // Creations of actors, which keep what they get, do not mix with plain tasks: none is
    // prefetched.
    bool creations = false;
    // Tasks that were placed at this node (spreading.h).
    bool placed = false;
    // Creations of actors that other nodes are to have (transitions/elsewhere.h). They take nothing
    // here: whatever they ask for, the shape is empty.
    bool elsewhere = false;
    friend bool operator==(const Kind&, const Kind&) = default;
  };

  SchedulingClass(const DriverId& driver, Shape* shape, DriverQueue* queue, Kind kind);
  SchedulingClass(const DriverId& driver, Shape* shape, DriverQueue* queue)
      : SchedulingClass(driver, shape, queue, Kind{}) {}

  const DriverId& driver() const { return driver_; }
  Shape& shape() const { return *shape_; }
  Kind kind() const { return kind_; }
  int32_t priority() const { return kind_.priority; }
  DriverQueue* queue() const { return queue_; }

  size_t ready_count() const { return ready_count_; }
  // The first one in order. REQUIRES: ready_count() > 0.
  TaskEntry* Head() const;
  // The last one in order. REQUIRES: ready_count() > 0.
  TaskEntry* Last() const;
  // Takes the one behind the first `skip` of the order. REQUIRES: ready_count() > skip.
  TaskEntry* PopBehind(size_t skip);
  // At its place by depth and arrival; at the end of its level if it is new.
  void Insert(TaskEntry* task);
  // REQUIRES: it is in the scheduling class.
  void Remove(const TaskEntry& task);
  // Removes and returns all ready tasks, in order.
  std::vector<TaskEntry*> TakeAll();

  // A task of this depth waits in get or wait from now on, or one does not any more.
  void OnBlocked(uint32_t depth);
  void OnUnblocked();
  size_t blocked() const { return blocked_; }
  // Since one waits, tasks of this depth or deeper ones have waited: so those of this depth are
  // likely to have children, which should run before other tasks of this depth.
  bool BlocksAt(uint32_t depth) const { return blocked_ > 0 && depth <= deepest_blocked_; }

  // CHECKs the order.
  void SanityCheck() const;

  // --- kept by others of this room ---

  // Tasks in any state that belong here.
  size_t task_count = 0;
  // Its place in its driver queue's list of scheduling classes that have ready tasks, or kNoIndex
  // (ready_queue.h).
  size_t ready_index = kNoIndex;
  // Busy workers that run tasks of this scheduling class, not blocked, and the number of tasks
  // that they have prefetched (pipeline.h).
  std::vector<WorkerEntry*> runners;
  size_t prefetched_total = 0;
  size_t prefetched_index = kNoIndex;
  // Its tasks take long, as tasks go, and others could run them: none is prefetched (spreading.h).
  bool is_slow = false;
  // Some runner has little left to do.
  bool few_prefetched = false;
  // Of this round of decisions (dispatcher.h): the ready tasks that wait for a worker to start.
  size_t reserved = 0;
  HeadWait wait;

 private:
  struct Level {
    uint32_t depth = 0;
    std::deque<TaskEntry*> tasks;
  };
  size_t HeadLevel() const;
  TaskEntry* Take(size_t level, size_t position);

  const DriverId driver_;
  Shape* const shape_;
  DriverQueue* const queue_;
  const Kind kind_;
  // Rising by depth. The last one is not empty, unless all are and it is the only one.
  std::vector<Level> levels_;
  size_t ready_count_ = 0;
  uint32_t pops_ = 0;
  // How many tasks wait in get or wait; the deepest of them, and of those before if one always did.
  size_t blocked_ = 0;
  uint32_t deepest_blocked_ = 0;
};

}  // namespace rayx::scheduler
