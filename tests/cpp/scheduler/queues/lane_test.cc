#include "scheduler/queues/lane.h"

#include <gtest/gtest.h>

#include <deque>

#include "testing/task_builder.h"

namespace rayx::scheduler {
namespace {

class LaneTest : public ::testing::Test {
 protected:
  TaskEntry* Add(uint64_t arrival, uint32_t depth = 0) {
    TaskEntry& task = tasks_.emplace_back();
    task.lane = &lane_;
    task.arrival = arrival;
    task.depth = depth;
    task.MoveTo(Ready{});
    lane_.Insert(&task);
    lane_.SanityCheck();
    return &task;
  }
  uint64_t Pop(size_t skip = 0) {
    const TaskEntry* head = lane_.Head();
    const TaskEntry* task = lane_.PopBehind(skip);
    EXPECT_TRUE(skip > 0 || head == task);
    lane_.SanityCheck();
    return task->arrival;
  }

  Shape shape_;
  Lane lane_{testing::DriverNumber(1), &shape_, nullptr};
  std::deque<TaskEntry> tasks_;
};

TEST_F(LaneTest, TasksRunInOrderOfArrival) {
  Add(1);
  Add(2);
  Add(3);
  EXPECT_EQ(Pop(), 1u);
  EXPECT_EQ(Pop(), 2u);
  EXPECT_EQ(Pop(), 3u);
  EXPECT_EQ(lane_.ready_count(), 0u);
}

TEST_F(LaneTest, WhatIsPutBackComesToItsOldPlace) {
  Add(5);
  Add(6);
  Add(2);
  Add(4);
  Add(3);
  for (const uint64_t arrival : {2u, 3u, 4u, 5u, 6u}) EXPECT_EQ(Pop(), arrival);
}

TEST_F(LaneTest, DepthsAtWhichTasksWaitAreKnownForAsLongAsOneWaits) {
  EXPECT_FALSE(lane_.BlocksAt(0));
  lane_.OnBlocked(3);
  lane_.OnBlocked(1);
  EXPECT_TRUE(lane_.BlocksAt(0));
  EXPECT_TRUE(lane_.BlocksAt(3));
  EXPECT_FALSE(lane_.BlocksAt(4));
  lane_.OnUnblocked();
  EXPECT_TRUE(lane_.BlocksAt(3)) << "whichever it was";
  lane_.OnUnblocked();
  EXPECT_FALSE(lane_.BlocksAt(0));
  lane_.OnBlocked(1);
  EXPECT_FALSE(lane_.BlocksAt(2)) << "what was before does not count";
}

TEST_F(LaneTest, ChildrenRunBeforeTasksOfTheirParentsLevel) {
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

TEST_F(LaneTest, OnceInAWhileTheOldestRunsWhateverItsDepth) {
  Add(1, 0);
  uint64_t arrival = 2;
  uint32_t pops = 0;
  do {
    Add(arrival++, 1);
    ++pops;
  } while (Pop() != 1 && pops < 10 * Lane::kOldestTurn);
  EXPECT_EQ(pops, Lane::kOldestTurn);
}

TEST_F(LaneTest, TasksBehindTheFirstMayBeTaken) {
  Add(1, 0);
  Add(2, 0);
  Add(3, 1);
  EXPECT_EQ(Pop(2), 2u);
  EXPECT_EQ(Pop(1), 1u);
  EXPECT_EQ(Pop(0), 3u);
}

TEST_F(LaneTest, AllMayBeTaken) {
  Add(1, 0);
  Add(2, 1);
  const std::vector<TaskEntry*> all = lane_.TakeAll();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]->arrival, 2u);
  EXPECT_EQ(lane_.ready_count(), 0u);
  Add(3, 0);
  EXPECT_EQ(Pop(), 3u);
}

}  // namespace
}  // namespace rayx::scheduler
