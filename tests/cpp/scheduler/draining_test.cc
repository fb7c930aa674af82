#include "scheduler/draining.h"

#include <gtest/gtest.h>

#include "scheduler/scheduler_recorder.h"
#include "scheduler/spreading.h"

namespace rayx::scheduler {
namespace {

class DrainingTest : public ::testing::Test {
 protected:
  Draining draining() { return Draining(&node_.core()); }
  void Place(Task&& task, std::span<const ObjectId> missing = {}) {
    Spreading(&node_.core()).OnPlaced(std::move(task).Build(), missing);
  }
  // Task 1 has made an actor here, with worker 1.
  void Make() {
    Place(Task(1).Creation().Retries(3));
    node_.Turn();
    node_.Started(WorkerNumber(1));
    node_.Turn();
    ASSERT_TRUE(node_.Finished(WorkerNumber(1), 1, 0).ok());
    node_.Turn();
  }

  SchedulerRecorder node_{{.cpus = 1, .workers_max = 4}};
};

TEST_F(DrainingTest, WhatOthersPlacedAndNobodyHasBegunGoesBack) {
  Place(Task(1));
  node_.Turn();
  node_.Started(WorkerNumber(1));
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w1 as 0"}));
  Place(Task(2));
  const ObjectId missing[] = {ResultOf(9)};
  Place(Task(3).DependsOn(ResultOf(9)), missing);
  Place(Task(4).Creation());
  Place(Task(5));
  node_.Submit(Task(6));
  for (const uint64_t waits : {2, 3, 4}) EXPECT_TRUE(draining().GiveBack(TaskNumber(waits)));
  EXPECT_FALSE(draining().GiveBack(TaskNumber(1))) << "it runs";
  EXPECT_FALSE(draining().GiveBack(TaskNumber(6))) << "it was not placed here";
  EXPECT_FALSE(draining().GiveBack(TaskNumber(9))) << "nobody knows it";
  const Lines told = node_.Turn();
  for (const char* line : {"ended t2", "ended t3", "ended t4"}) {
    EXPECT_EQ(std::count_if(told.begin(), told.end(),
                            [&](const std::string& one) { return one.starts_with(line); }),
              1)
        << line;
  }
  EXPECT_EQ(node_.core().FindTask(TaskNumber(4)), nullptr);
  for (const uint64_t stays : {1, 5, 6}) {
    EXPECT_NE(node_.core().FindTask(TaskNumber(stays)), nullptr) << stays;
  }
  EXPECT_FALSE(draining().GiveBack(TaskNumber(2))) << "it has ended";
}

TEST_F(DrainingTest, AnActorIsLetGoWhenNoCallIsLeft) {
  Make();
  node_.Submit(Task(2).CallOf(1));
  EXPECT_FALSE(draining().LetGo(TaskNumber(1)));
  node_.Turn();
  EXPECT_FALSE(draining().LetGo(TaskNumber(1)));
  ASSERT_TRUE(node_.Finished(WorkerNumber(1), 2, 1).ok());
  EXPECT_TRUE(draining().LetGo(TaskNumber(1)));
  const Lines told = node_.Turn();
  EXPECT_NE(std::find(told.begin(), told.end(), "stop w1"), told.end());
  EXPECT_FALSE(draining().LetGo(TaskNumber(1)));
  EXPECT_FALSE(draining().LetGo(TaskNumber(7))) << "nobody knows it";
}

TEST_F(DrainingTest, OneThatIsBeingMadeIsMadeFirst) {
  Place(Task(1).Creation());
  node_.Turn();
  node_.Started(WorkerNumber(1));
  node_.Turn();
  EXPECT_FALSE(draining().GiveBack(TaskNumber(1)));
  EXPECT_FALSE(draining().LetGo(TaskNumber(1)));
}

}  // namespace
}  // namespace rayx::scheduler
