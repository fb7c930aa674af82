#include "scheduler/cancellation.h"

#include <gtest/gtest.h>

#include "scheduler/scheduler_recorder.h"

namespace rayx::scheduler {
namespace {

// One CPU; worker 1 has been started.
class Cancellation : public ::testing::Test {
 protected:
  Cancellation() : node_({.cpus = 1, .prestart = 1}) { node_.StartAll(); }
  void MakeActor(uint32_t max_concurrency = 1) {
    node_.Submit(Task(1).Creation(max_concurrency));
    node_.Turn();
    EXPECT_TRUE(node_.Finished(1, 1, 0).ok());
    node_.Turn();
    node_.Started(2);
    node_.Turn();
  }
  SchedulerRecorder node_;
};

TEST_F(Cancellation, WhatWaitsFailsAtOnce) {
  node_.Submit(Task(1).DependsOn(ResultOf(9)), {ResultOf(9)});
  node_.Submit(Task(2).Cpus(1));
  node_.Submit(Task(3).Cpus(0));
  node_.Cancelled(1);
  node_.Cancelled(3);
  node_.Cancelled(99);
  EXPECT_EQ(node_.Turn(), Lines({"fail t1 code 4", "ended t1 by system", "fail t3 code 4",
                                 "ended t3 by system", "t2 to w1 as 0"}));
}

TEST_F(Cancellation, WhatWasHandedOutAndNotBegunComesBackAndFails) {
  node_.Submit(1, 3);
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w1 as 0", "t2 to w1 as 1", "t3 to w1 as 2"}));
  node_.Cancelled(2);
  EXPECT_EQ(node_.Turn(), Lines({"recall w1"}));
  node_.Recalled(1, 1);
  EXPECT_EQ(node_.Turn(), Lines({"fail t2 code 4", "ended t2 by system", "t3 to w1 as 3"}));
}

TEST_F(Cancellation, WhatHasBegunIsInterruptedAndThenItsWorkerKilled) {
  node_.Submit(Task(1).Retries(-1));
  node_.Turn();
  node_.Cancelled(1);
  EXPECT_EQ(node_.Turn(), Lines({"recall w1"}));
  node_.Recalled(1, 1);
  EXPECT_EQ(node_.Turn(), Lines({"cancel t1 on w1 as 0"}));
  EXPECT_EQ(node_.core().NextTickMs(), limits::kInterruptGraceMs);
  node_.Advance(limits::kInterruptGraceMs - 1);
  EXPECT_EQ(node_.Turn(), Lines());
  node_.Advance(1);
  EXPECT_EQ(node_.Turn(), Lines({"kill w1", "start 2"}));
  node_.Gone(1, 1);
  EXPECT_EQ(node_.Turn(), Lines({"fail t1 code 4", "ended t1 by system"}));
}

TEST_F(Cancellation, ATaskThatEndsInTimeIsNotKilled) {
  node_.Submit(Task(1));
  node_.Turn();
  node_.Cancelled(1);
  node_.Turn();
  node_.Recalled(1, 1);
  node_.Turn();
  EXPECT_TRUE(node_.Finished(1, 1, 0).ok());
  EXPECT_EQ(node_.Turn(), Lines({"ended t1"}));
  node_.Advance(limits::kInterruptGraceMs);
  EXPECT_EQ(node_.Turn(), Lines());
}

TEST_F(Cancellation, ByForceItIsKilledAtOnce) {
  node_.Submit(Task(1));
  node_.Turn();
  node_.Cancelled(1, true);
  node_.Turn();
  node_.Recalled(1, 1);
  EXPECT_EQ(node_.Turn(), Lines({"kill w1", "start 2"}));
}

TEST_F(Cancellation, ARecallOvertakenByTheNextTaskDoesNotTakeThat) {
  node_.Submit(Task(1));
  node_.Turn();
  node_.Cancelled(1);
  EXPECT_TRUE(node_.Finished(1, 1, 0).ok());
  node_.Submit(Task(2));
  EXPECT_EQ(node_.Turn(), Lines({"recall w1", "ended t1", "t2 to w1 as 1"}));
  node_.Recalled(1, 1);
  EXPECT_EQ(node_.Turn(), Lines());
  EXPECT_TRUE(node_.core().IsAssigned(TaskNumber(2)));
}

TEST_F(Cancellation, ACallRunsOnForNobodyAndItsActorLives) {
  MakeActor();
  node_.Submit(Task(2).CallOf(1));
  node_.Submit(Task(3).CallOf(1));
  EXPECT_EQ(node_.Turn(), Lines({"t2 to w1 as 1", "t3 to w1 as 2"}));
  node_.Cancelled(2, true);
  EXPECT_EQ(node_.Turn(), Lines({"recall w1"}));
  node_.Recalled(1, 2);
  EXPECT_EQ(node_.Turn(), Lines({"cancel t2 on w1 as 1", "t3 to w1 as 3"}));
  node_.Advance(limits::kInterruptGraceMs);
  EXPECT_EQ(node_.Turn(), Lines({"fail t2 code 4"}));
  node_.Cancelled(2);
  EXPECT_EQ(node_.Turn(), Lines());
  EXPECT_TRUE(node_.Finished(1, 2, 1).ok());
  EXPECT_EQ(node_.Turn(), Lines({"ended t2 by system"}));
}

TEST_F(Cancellation, ACallThatWaitsFailsAndLetsTheNextGo) {
  MakeActor();
  node_.Submit(Task(2).CallOf(1).DependsOn(ResultOf(9)), {ResultOf(9)});
  node_.Submit(Task(3).CallOf(1));
  EXPECT_EQ(node_.Turn(), Lines());
  node_.Cancelled(2);
  EXPECT_EQ(node_.Turn(), Lines({"fail t2 code 4", "ended t2 by system", "t3 to w1 as 1"}));
}

TEST_F(Cancellation, ACreationThatHasNotEndedKillsTheActor) {
  node_.Submit(Task(1).Creation());
  node_.Submit(Task(2).CallOf(1));
  node_.Turn();
  node_.Cancelled(1);
  EXPECT_EQ(node_.Turn(), Lines({"t1 is Dead", "fail t1 code 4", "kill w1",
                                 "fail t2 code 4 like t1", "ended t2 by system"}));
}

TEST_F(Cancellation, ACreationThatHasEndedIsNotCancelled) {
  MakeActor();
  node_.Cancelled(1);
  EXPECT_EQ(node_.Turn(), Lines());
}

TEST_F(Cancellation, TimeCountsFromTheFrontOfTheWorker) {
  node_.Submit(Task(1));
  node_.Submit(Task(2).Timeout(100));
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w1 as 0", "t2 to w1 as 1"}));
  node_.Advance(1000);
  EXPECT_EQ(node_.Turn(), Lines());
  EXPECT_TRUE(node_.Finished(1, 1, 0).ok());
  EXPECT_EQ(node_.Turn(), Lines({"ended t1"}));
  node_.Advance(100);
  EXPECT_EQ(node_.Turn(), Lines({"recall w1"}));
  node_.Recalled(1, 2);
  EXPECT_EQ(node_.Turn(), Lines({"time out t2 on w1 as 1"}));
  node_.Advance(limits::kInterruptGraceMs);
  node_.Turn();
  node_.Gone(1, 2);
  EXPECT_EQ(node_.Turn().front(), "fail t2 code 8");
  EXPECT_NE(node_.texts().find("100 ms"), std::string::npos) << node_.texts();
}

TEST_F(Cancellation, TimeOfACallCountsFromWhenItMayRun) {
  MakeActor(2);
  for (uint64_t i = 2; i < 5; ++i) node_.Submit(Task(i).CallOf(1).Timeout(100 * i));
  node_.Turn();
  node_.Advance(150);
  EXPECT_TRUE(node_.Finished(1, 3, 2).ok());
  EXPECT_EQ(node_.Turn(), Lines({"ended t3"}));
  EXPECT_EQ(node_.core().NextTickMs(), 200);
  EXPECT_TRUE(node_.Finished(1, 2, 1).ok());
  node_.Turn();
  EXPECT_EQ(node_.core().NextTickMs(), 150 + 400) << "the third runs since the second has ended";
}

}  // namespace
}  // namespace rayx::scheduler
