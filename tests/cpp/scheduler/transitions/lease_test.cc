#include "scheduler/transitions/lease.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "scheduler/scheduler_recorder.h"

namespace rayx::scheduler {
namespace {

// Worker 1 has run task 0 of driver 1 as number 0, and is leased.
class LeaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    scheduler_.Submit(Task(0));
    scheduler_.StartNext(WorkerNumber(1));
    ASSERT_TRUE(scheduler_.Finished(WorkerNumber(1), 0, 0).ok());
    ASSERT_EQ(scheduler_.Turn(), Lines({"ended t0"}));
    ASSERT_TRUE(core().OnLeaseOpened(WorkerNumber(1)));
    core().SanityCheck();
  }
  LocalScheduler& core() { return scheduler_.core(); }
  Status Give(Task&& task, uint32_t sequence, WorkerNumber worker = WorkerNumber(1)) {
    const Status status = core().OnTaskGivenDirectly(std::move(task).Build(), worker, sequence,
                                                     {.node = {}, .client = ClientId(7)});
    core().SanityCheck();
    return status;
  }
  void Close() {
    core().OnLeaseClosed(WorkerNumber(1));
    core().SanityCheck();
  }
  int64_t FreeCpus() { return core().available().Get(kCpu).units() / ResourceAmount::kUnitsPerOne; }

  SchedulerRecorder scheduler_{{.cpus = 1}};
};

TEST_F(LeaseTest, AGivenTaskIsATaskLikeOthersWithoutBeingAssigned) {
  ASSERT_TRUE(Give(Task(1), 1).ok());
  EXPECT_EQ(scheduler_.Turn(), Lines());
  EXPECT_TRUE(core().IsAssigned(TaskNumber(1)));
  EXPECT_EQ(FreeCpus(), 0);
  ASSERT_TRUE(scheduler_.Finished(WorkerNumber(1), 1, 1).ok());
  EXPECT_EQ(scheduler_.Turn(), Lines({"ended t1"}));
  EXPECT_EQ(FreeCpus(), 1);
}

TEST_F(LeaseTest, SeveralMayBeKnownBeforeTheirEnds) {
  for (uint32_t i = 1; i <= 100; ++i) ASSERT_TRUE(Give(Task(i), i).ok());
  EXPECT_EQ(scheduler_.Turn(), Lines()) << "nothing is revoked";
  for (uint32_t i = 1; i <= 100; ++i) ASSERT_TRUE(scheduler_.Finished(WorkerNumber(1), i, i).ok());
  EXPECT_EQ(scheduler_.Turn().size(), 100u);
}

TEST_F(LeaseTest, OthersWaitUntilItIsClosed) {
  scheduler_.Submit(Task(1));
  EXPECT_EQ(scheduler_.Turn(), Lines({"reclaim w1"})) << "and no worker is started";
  Close();
  EXPECT_EQ(scheduler_.Turn(), Lines({"t1 to w1 as 1"}));
  EXPECT_FALSE(Give(Task(2), 2).ok()) << "it is closed";
}

TEST_F(LeaseTest, ALeaseInUseIsClosedWhenItsTaskIsKnown) {
  scheduler_.Submit(Task(1));
  EXPECT_EQ(scheduler_.Turn(), Lines({"reclaim w1"}));
  core().OnLeaseInUse(WorkerNumber(1));
  EXPECT_EQ(scheduler_.Turn(), Lines({"start 2"})) << "others do not wait for it";
  ASSERT_TRUE(Give(Task(2), 1).ok());
  EXPECT_EQ(scheduler_.Turn(), Lines({"reclaim w1"}));
  Close();
  ASSERT_TRUE(scheduler_.Finished(WorkerNumber(1), 2, 1).ok());
  EXPECT_EQ(scheduler_.Turn(), Lines({"ended t2", "t1 to w1 as 2"}));
}

TEST_F(LeaseTest, ACpuThatWasGivenAwayIsOwed) {
  scheduler_.Submit(Task(1));
  (void)scheduler_.Turn();
  core().OnLeaseInUse(WorkerNumber(1));
  (void)scheduler_.Turn();
  scheduler_.Started(WorkerNumber(2));
  EXPECT_EQ(scheduler_.Turn(), Lines({"t1 to w2 as 0"}));
  ASSERT_TRUE(Give(Task(2), 1).ok());
  EXPECT_EQ(FreeCpus(), -1);
  ASSERT_TRUE(scheduler_.Finished(WorkerNumber(2), 1, 0).ok());
  ASSERT_TRUE(scheduler_.Finished(WorkerNumber(1), 2, 1).ok());
  EXPECT_EQ(FreeCpus(), 1);
}

TEST_F(LeaseTest, WhatAWorkerHadBegunIsTriedAgain) {
  ASSERT_TRUE(Give(Task(1), 1).ok());
  ASSERT_TRUE(Give(Task(2).Retries(0), 2).ok());
  ASSERT_TRUE(Give(Task(3), 3).ok());
  scheduler_.Gone(WorkerNumber(1), /*begun_sequence=*/3);
  EXPECT_EQ(scheduler_.Turn(), Lines({"fail t2 code 1", "ended t2 by system", "start 2"}));
  scheduler_.Started(WorkerNumber(2));
  EXPECT_EQ(scheduler_.Turn(), Lines({"t1 to w2 as 0, attempt 1", "t3 to w2 as 1"}));
  EXPECT_TRUE(core().OnLeaseOpened(WorkerNumber(2)) == false) << "it runs something";
}

TEST_F(LeaseTest, WhatComesForAGoneWorkerWasNotBegun) {
  scheduler_.Gone(WorkerNumber(1), 1);
  EXPECT_EQ(scheduler_.Turn(), Lines());
  ASSERT_TRUE(Give(Task(1).Retries(0), 1).ok());
  EXPECT_EQ(scheduler_.Turn(), Lines({"start 2"}));
  scheduler_.Started(WorkerNumber(2));
  EXPECT_EQ(scheduler_.Turn(), Lines({"t1 to w2 as 0"}));
}

TEST_F(LeaseTest, ABlockedWorkerIsGivenMore) {
  ASSERT_TRUE(Give(Task(1), 1).ok());
  ASSERT_TRUE(scheduler_.Blocked(WorkerNumber(1)).ok());
  EXPECT_EQ(FreeCpus(), 1);
  ASSERT_TRUE(Give(Task(2), 2).ok()) << "its end is not known yet";
  EXPECT_EQ(scheduler_.Turn(), Lines()) << "nothing is revoked";
  ASSERT_TRUE(scheduler_.Unblocked(WorkerNumber(1)).ok());
  ASSERT_TRUE(scheduler_.Finished(WorkerNumber(1), 1, 1).ok());
  ASSERT_TRUE(scheduler_.Finished(WorkerNumber(1), 2, 2).ok());
}

TEST_F(LeaseTest, ItCanBeCancelled) {
  ASSERT_TRUE(Give(Task(1), 1).ok());
  scheduler_.Cancelled(1);
  EXPECT_EQ(scheduler_.Turn(), Lines({"cancel t1 on w1 as 1"}));
}

TEST_F(LeaseTest, ItsWorkerIsNotEndedForBeingIdle) {
  scheduler_.Advance(10'000'000);
  EXPECT_EQ(scheduler_.Turn(), Lines());
  scheduler_.Advance(10'000'000);
  EXPECT_EQ(scheduler_.Turn(), Lines());
  Close();
  EXPECT_EQ(scheduler_.Turn(), Lines({"stop w1"}));
}

TEST_F(LeaseTest, ATaskInFlightIsWaitedForOnceAndItsWorkerMayGoMeanwhile) {
  core().OnLeaseInUse(WorkerNumber(1));  // nobody has asked
  core().OnLeaseInUse(WorkerNumber(1));
  scheduler_.Submit(Task(1));
  EXPECT_EQ(scheduler_.Turn(), Lines({"start 2"})) << "it is not asked for again";
  scheduler_.Gone(WorkerNumber(1), 1);
  core().SanityCheck();
  core().OnLeaseInUse(WorkerNumber(1));
  EXPECT_EQ(scheduler_.Turn(), Lines());
  scheduler_.Started(WorkerNumber(2));
  EXPECT_EQ(scheduler_.Turn(), Lines({"t1 to w2 as 0"}));
}

TEST_F(LeaseTest, ThereIsOneAtATime) {
  EXPECT_FALSE(core().OnLeaseOpened(WorkerNumber(1)));
  core().OnLeaseClosed(WorkerNumber(5));
  EXPECT_FALSE(core().OnLeaseOpened(WorkerNumber(1))) << "another one was closed";
  Close();
  EXPECT_FALSE(core().OnLeaseOpened(WorkerNumber(2))) << "there is no such worker";
  EXPECT_TRUE(core().OnLeaseOpened(WorkerNumber(1)));
}

TEST_F(LeaseTest, NonsenseIsRefused) {
  EXPECT_FALSE(Give(Task(1), 2).ok()) << "not the next number";
  EXPECT_FALSE(Give(Task(1), 0).ok());
  EXPECT_FALSE(Give(Task(1).Driver(2), 1).ok()) << "not its driver";
  EXPECT_FALSE(Give(Task(1).Cpus(2), 1).ok());
  EXPECT_FALSE(Give(Task(1).Priority(1), 1).ok());
  EXPECT_FALSE(Give(Task(1).CallOf(9), 1).ok());
  EXPECT_TRUE(Give(Task(1), 1).ok());
}

TEST_F(LeaseTest, ADriversEndTakesItAlong) {
  ASSERT_TRUE(Give(Task(1), 1).ok());
  scheduler_.DriverGone(1);
  EXPECT_EQ(scheduler_.Turn(), Lines({"kill w1"}));
  ASSERT_TRUE(Give(Task(2), 2).ok());
  EXPECT_EQ(scheduler_.Turn(), Lines({"ended t2 by system"}));
  scheduler_.Gone(WorkerNumber(1), 2);
  EXPECT_EQ(scheduler_.Turn(), Lines({"ended t1 by system"}));
}

// Actor 0 is alive in worker 1, which is leased.
class ActorLeaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    scheduler_.Submit(Task(0).Creation());
    scheduler_.StartNext(WorkerNumber(1));
    ASSERT_TRUE(scheduler_.Finished(WorkerNumber(1), 0, 0).ok());
    (void)scheduler_.Turn();
    ASSERT_TRUE(core().OnLeaseOpened(WorkerNumber(1)));
  }
  LocalScheduler& core() { return scheduler_.core(); }
  Status Give(Task&& task, uint32_t sequence) {
    const Status status = core().OnTaskGivenDirectly(std::move(task).Build(), WorkerNumber(1),
                                                     sequence, {.node = {}, .client = ClientId(7)});
    core().SanityCheck();
    return status;
  }

  SchedulerRecorder scheduler_;
};

TEST_F(ActorLeaseTest, CallsOfOthersCloseIt) {
  ASSERT_TRUE(Give(Task(1).CallOf(0), 1).ok());
  scheduler_.Submit(Task(2).CallOf(0), {}, kNoWorker, ClientId(8));
  EXPECT_EQ(scheduler_.Turn(), Lines({"reclaim w1"}));
  core().OnLeaseInUse(WorkerNumber(1));
  EXPECT_EQ(scheduler_.Turn(), Lines());
  ASSERT_TRUE(Give(Task(3).CallOf(0), 2).ok());
  EXPECT_EQ(scheduler_.Turn(), Lines({"reclaim w1"}));
  core().OnLeaseClosed(WorkerNumber(1));
  EXPECT_EQ(scheduler_.Turn(), Lines({"t2 to w1 as 3"}));
  ASSERT_TRUE(scheduler_.Finished(WorkerNumber(1), 1, 1).ok());
  ASSERT_TRUE(scheduler_.Finished(WorkerNumber(1), 3, 2).ok());
  ASSERT_TRUE(scheduler_.Finished(WorkerNumber(1), 2, 3).ok());
}

TEST_F(ActorLeaseTest, TasksOfOthersDoNotNeedItsWorker) {
  ASSERT_TRUE(Give(Task(1).CallOf(0), 1).ok());
  EXPECT_FALSE(Give(Task(2), 2).ok());
  EXPECT_FALSE(Give(Task(2).CallOf(5), 2).ok());
  ASSERT_TRUE(scheduler_.Finished(WorkerNumber(1), 1, 1).ok());
}

TEST_F(ActorLeaseTest, ACallThatHadBegunFailsWithItsWorker) {
  ASSERT_TRUE(Give(Task(1).CallOf(0), 1).ok());
  scheduler_.Gone(WorkerNumber(1), 2);
  const Lines lines = scheduler_.Turn();
  EXPECT_NE(std::find(lines.begin(), lines.end(), "ended t1 by system"), lines.end());
}

TEST_F(ActorLeaseTest, WhatAKilledActorHasRunIsSettledWhenAllOfItIsKnown) {
  ASSERT_TRUE(Give(Task(1).CallOf(0), 1).ok());
  scheduler_.Killed(0);
  EXPECT_EQ(scheduler_.Turn(), Lines({"t0 is dead", "kill w1"}));
  // Given before its caller knew of the kill.
  ASSERT_TRUE(Give(Task(2).CallOf(0), 2).ok());
  ASSERT_TRUE(Give(Task(3).CallOf(0), 3).ok());
  EXPECT_TRUE(scheduler_.Finished(WorkerNumber(1), 1, 1).ok());
  EXPECT_TRUE(scheduler_.Finished(WorkerNumber(1), 2, 2).ok());
  EXPECT_EQ(scheduler_.Turn(), Lines({"ended t1", "ended t2"}));
  scheduler_.Gone(WorkerNumber(1), 4);
  EXPECT_EQ(scheduler_.Turn(), Lines({"fail t3 code 7", "ended t3 by system", "ended t0"}));
}

TEST(ActorLeaseOpenTest, AnActorWithSeveralCallsAtATimeHasNone) {
  SchedulerRecorder scheduler;
  scheduler.Submit(Task(0).Creation(2));
  scheduler.StartNext(WorkerNumber(1));
  EXPECT_FALSE(scheduler.core().OnLeaseOpened(WorkerNumber(1))) << "it is not alive yet";
  ASSERT_TRUE(scheduler.Finished(WorkerNumber(1), 0, 0).ok());
  EXPECT_FALSE(scheduler.core().OnLeaseOpened(WorkerNumber(1)));
}

}  // namespace
}  // namespace rayx::scheduler
