#include "scheduler/queues/scheduling_class.h"

#include <gtest/gtest.h>

#include <deque>

#include "testing/task_builder.h"

namespace rayx::scheduler {
namespace {

class SchedulingClassTest : public ::testing::Test {
 protected:
  TaskEntry* Add(uint64_t arrival, uint32_t depth = 0) {
    TaskEntry& task = tasks_.emplace_back();
    task.scheduling_class = &scheduling_class_;
    task.arrival = arrival;
    task.depth = depth;
    task.MoveTo(Ready{});
    scheduling_class_.Insert(&task);
    scheduling_class_.SanityCheck();
    return &task;
  }
  uint64_t Pop(size_t skip = 0) {
    const TaskEntry* head = scheduling_class_.Head();
    const TaskEntry* task = scheduling_class_.PopBehind(skip);
    EXPECT_TRUE(skip > 0 || head == task);
    scheduling_class_.SanityCheck();
    return task->arrival;
  }

  Shape shape_;
  SchedulingClass scheduling_class_{testing::DriverNumber(1), &shape_, nullptr};
  std::deque<TaskEntry> tasks_;
};

TEST_F(SchedulingClassTest, TasksRunInOrderOfArrival) {
  Add(1);
  Add(2);
  Add(3);
  EXPECT_EQ(Pop(), 1u);
  EXPECT_EQ(Pop(), 2u);
  EXPECT_EQ(Pop(), 3u);
  EXPECT_EQ(scheduling_class_.ready_count(), 0u);
}

TEST_F(SchedulingClassTest, WhatIsPutBackComesToItsOldPlace) {
  Add(5);
  Add(6);
  Add(2);
  Add(4);
  Add(3);
  for (const uint64_t arrival : {2u, 3u, 4u, 5u, 6u}) EXPECT_EQ(Pop(), arrival);
}

TEST_F(SchedulingClassTest, DepthsAtWhichTasksWaitAreKnownForAsLongAsOneWaits) {
  EXPECT_FALSE(scheduling_class_.BlocksAt(0));
  scheduling_class_.OnBlocked(3);
  scheduling_class_.OnBlocked(1);
  EXPECT_TRUE(scheduling_class_.BlocksAt(0));
  EXPECT_TRUE(scheduling_class_.BlocksAt(3));
  EXPECT_FALSE(scheduling_class_.BlocksAt(4));
  scheduling_class_.OnUnblocked();
  EXPECT_TRUE(scheduling_class_.BlocksAt(3)) << "whichever it was";
  scheduling_class_.OnUnblocked();
  EXPECT_FALSE(scheduling_class_.BlocksAt(0));
  scheduling_class_.OnBlocked(1);
  EXPECT_FALSE(scheduling_class_.BlocksAt(2)) << "what was before does not count";
}

TEST_F(SchedulingClassTest, ChildrenRunBeforeTasksOfTheirParentsLevel) {
  Add(1, 0);
  Add(2, 0);
  Add(3, 2);
  Add(4, 1);
  Add(5, 2);
  for (const uint64_t arrival : {3u, 5u, 4u, 1u, 2u}) EXPECT_EQ(Pop(), arrival);
  Add(6, 3);
  Add(7, 0);
  EXPECT_EQ(Pop(), 6u);
  EXPECT_EQ(Pop(), 7u);
}

TEST_F(SchedulingClassTest, OnceInAWhileTheOldestRunsWhateverItsDepth) {
  Add(1, 0);
  uint64_t arrival = 2;
  uint32_t pops = 0;
  do {
    Add(arrival++, 1);
    ++pops;
  } while (Pop() != 1 && pops < 10 * SchedulingClass::kOldestTurn);
  EXPECT_EQ(pops, SchedulingClass::kOldestTurn);
}

TEST_F(SchedulingClassTest, TasksBehindTheFirstMayBeTaken) {
  Add(1, 0);
  Add(2, 0);
  Add(3, 1);
  EXPECT_EQ(Pop(2), 2u);
  EXPECT_EQ(Pop(1), 1u);
  EXPECT_EQ(Pop(0), 3u);
}

TEST_F(SchedulingClassTest, AllMayBeTaken) {
  Add(1, 0);
  Add(2, 1);
  const std::vector<TaskEntry*> all = scheduling_class_.TakeAll();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]->arrival, 2u);
  EXPECT_EQ(scheduling_class_.ready_count(), 0u);
  Add(3, 0);
  EXPECT_EQ(Pop(), 3u);
}

}  // namespace
}  // namespace rayx::scheduler
