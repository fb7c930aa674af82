#include "scheduler/transitions/cancellation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

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
    EXPECT_TRUE(node_.Finished(WorkerNumber(1), 1, 0).ok());
    node_.Turn();
    node_.Started(WorkerNumber(2));
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
  EXPECT_EQ(node_.Turn(), Lines({"revoke w1"}));
  node_.Revoked(WorkerNumber(1), 1);
  EXPECT_EQ(node_.Turn(), Lines({"fail t2 code 4", "ended t2 by system", "t3 to w1 as 3"}));
}

TEST_F(Cancellation, WhatHasBegunIsInterruptedAndThenItsWorkerKilled) {
  node_.Submit(Task(1).Retries(-1));
  node_.Turn();
  node_.Cancelled(1);
  EXPECT_EQ(node_.Turn(), Lines({"revoke w1"}));
  node_.Revoked(WorkerNumber(1), 1);
  EXPECT_EQ(node_.Turn(), Lines({"cancel t1 on w1 as 0"}));
  EXPECT_EQ(node_.core().NextTickMs(), limits::kInterruptGraceMs);
  node_.Advance(limits::kInterruptGraceMs - 1);
  EXPECT_EQ(node_.Turn(), Lines());
  node_.Advance(1);
  EXPECT_EQ(node_.Turn(), Lines({"kill w1", "start 2"}));
  node_.Gone(WorkerNumber(1), 1);
  EXPECT_EQ(node_.Turn(), Lines({"fail t1 code 4", "ended t1 by system"}));
}

TEST_F(Cancellation, ATaskThatEndsInTimeIsNotKilled) {
  node_.Submit(Task(1));
  node_.Turn();
  node_.Cancelled(1);
  node_.Turn();
  node_.Revoked(WorkerNumber(1), 1);
  node_.Turn();
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_EQ(node_.Turn(), Lines({"ended t1"}));
  node_.Advance(limits::kInterruptGraceMs);
  EXPECT_EQ(node_.Turn(), Lines());
}

TEST_F(Cancellation, ByForceItIsKilledAtOnce) {
  node_.Submit(Task(1));
  node_.Turn();
  node_.Cancelled(1, true);
  node_.Turn();
  node_.Revoked(WorkerNumber(1), 1);
  EXPECT_EQ(node_.Turn(), Lines({"kill w1", "start 2"}));
}

// The claim word counts what was taken back as begun.
TEST_F(Cancellation, WhatARevocationTookFromAWorkerThatIsKilledHasNotBegun) {
  node_.Submit(Task(1).Retries(0));
  node_.Submit(Task(2).Retries(0));
  node_.Submit(Task(3).Retries(0));
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w1 as 0", "t2 to w1 as 1", "t3 to w1 as 2"}));
  ASSERT_TRUE(node_.Blocked(WorkerNumber(1)).ok());
  node_.Cancelled(1, /*force=*/true);
  EXPECT_EQ(node_.Turn(), Lines({"revoke w1", "kill w1", "start 2"}));
  node_.Revoked(WorkerNumber(1), 1);
  node_.Gone(WorkerNumber(1), 3);
  node_.Started(WorkerNumber(2));
  EXPECT_EQ(node_.Turn(),
            Lines({"fail t1 code 4", "ended t1 by system", "t2 to w2 as 0", "t3 to w2 as 1"}));
}

TEST_F(Cancellation, ARevocationOvertakenByTheNextTaskDoesNotTakeThat) {
  node_.Submit(Task(1));
  node_.Turn();
  node_.Cancelled(1);
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 1, 0).ok());
  node_.Submit(Task(2));
  EXPECT_EQ(node_.Turn(), Lines({"revoke w1", "ended t1", "t2 to w1 as 1"}));
  node_.Revoked(WorkerNumber(1), 1);
  EXPECT_EQ(node_.Turn(), Lines());
  EXPECT_TRUE(node_.core().IsAssigned(TaskNumber(2)));
}

TEST_F(Cancellation, ACallRunsOnForNobodyAndItsActorLives) {
  MakeActor();
  node_.Submit(Task(2).CallOf(1));
  node_.Submit(Task(3).CallOf(1));
  EXPECT_EQ(node_.Turn(), Lines({"t2 to w1 as 1", "t3 to w1 as 2"}));
  node_.Cancelled(2, true);
  EXPECT_EQ(node_.Turn(), Lines({"revoke w1"}));
  node_.Revoked(WorkerNumber(1), 2);
  EXPECT_EQ(node_.Turn(), Lines({"cancel t2 on w1 as 1", "t3 to w1 as 3"}));
  node_.Advance(limits::kInterruptGraceMs);
  EXPECT_EQ(node_.Turn(), Lines({"fail t2 code 4"}));
  node_.Cancelled(2);
  EXPECT_EQ(node_.Turn(), Lines());
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 2, 1).ok());
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
  EXPECT_EQ(node_.Turn(), Lines({"t1 is dead", "fail t1 code 4", "kill w1",
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
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_EQ(node_.Turn(), Lines({"ended t1"}));
  node_.Advance(100);
  EXPECT_EQ(node_.Turn(), Lines({"revoke w1"}));
  node_.Revoked(WorkerNumber(1), 2);
  EXPECT_EQ(node_.Turn(), Lines({"time out t2 on w1 as 1"}));
  node_.Advance(limits::kInterruptGraceMs);
  node_.Turn();
  node_.Gone(WorkerNumber(1), 2);
  EXPECT_EQ(node_.Turn().front(), "fail t2 code 8");
  EXPECT_NE(node_.texts().find("100 ms"), std::string::npos) << node_.texts();
}

TEST_F(Cancellation, TimeOfACallCountsFromWhenItMayRun) {
  MakeActor(2);
  for (uint64_t i = 2; i < 5; ++i) node_.Submit(Task(i).CallOf(1).Timeout(100 * i));
  node_.Turn();
  node_.Advance(150);
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 3, 2).ok());
  EXPECT_EQ(node_.Turn(), Lines({"ended t3"}));
  EXPECT_EQ(node_.core().NextTickMs(), 200);
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 2, 1).ok());
  node_.Turn();
  EXPECT_EQ(node_.core().NextTickMs(), 150 + 400) << "the third runs since the second has ended";
}

TEST_F(Cancellation, AllTasksOfADriverStopAndItsActorsStay) {
  MakeActor();
  node_.Submit(Task(2).CallOf(1));
  node_.Turn();
  node_.Submit(Task(3).CallOf(1).DependsOn(ResultOf(9)), {ResultOf(9)});
  node_.Submit(Task(4).CallOf(1));
  node_.Submit(Task(5));
  node_.Submit(Task(6));
  node_.Turn();
  node_.Submit(Task(7).DependsOn(ResultOf(9)).DependsOn(ResultOf(10)), {ResultOf(9), ResultOf(10)});
  node_.Submit(Task(8).Cpus(1).Priority(1));
  node_.Submit(Task(9).Driver(2).Cpus(1));
  node_.AllCancelled(1);
  Lines lines = node_.Turn();
  // What nobody has begun fails at once; of what may have begun, the workers are asked.
  for (const char* task : {"t3", "t4", "t7", "t8"}) {
    const std::string failed = "fail " + std::string(task) + " code 4";
    EXPECT_EQ(std::count(lines.begin(), lines.end(), failed), 1) << task;
  }
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "revoke w1"), 1);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "revoke w2"), 1);
  node_.Revoked(WorkerNumber(1), 1);
  node_.Revoked(WorkerNumber(2), 1);
  lines = node_.Turn();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "cancel t2 on w1 as 1") +
                std::count(lines.begin(), lines.end(), "fail t2 code 4"),
            1);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "cancel t5 on w2 as 0"), 1);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "fail t6 code 4"), 1);
  EXPECT_EQ(node_.core().FindActor(TaskNumber(1))->state, ActorState::kAlive);
  // What is submitted afterwards is run, and other drivers have noticed nothing.
  EXPECT_NE(node_.core().FindTask(TaskNumber(9)), nullptr);
  node_.Submit(Task(11).DependsOn(ResultOf(9)), {ResultOf(9)});
  node_.Available(ResultOf(9));
  EXPECT_NE(node_.core().FindTask(TaskNumber(11)), nullptr);
}

TEST_F(Cancellation, AllTasksOfADriverByForce) {
  node_.Submit(1, 3);
  node_.Turn();
  node_.AllCancelled(1, /*force=*/true);
  node_.Turn();
  node_.Revoked(WorkerNumber(1), 1);
  EXPECT_EQ(node_.Turn()[0], "fail t2 code 4");
  node_.Gone(WorkerNumber(1), 1);
  node_.Turn();
  EXPECT_EQ(node_.core().reports().CountUnfinished(testing::DriverNumber(1)), 0u);
}

}  // namespace
}  // namespace rayx::scheduler
