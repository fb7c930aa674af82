#include "scheduler/actors_elsewhere.h"

#include <gtest/gtest.h>

#include <limits>

#include "scheduler/scheduler_recorder.h"
#include "scheduler/spreading.h"

namespace rayx::scheduler {
namespace {

constexpr uint32_t kAll = std::numeric_limits<uint32_t>::max();

// Task 1 makes an actor that another node has: worker 1 stands for its worker there.
class ActorsElsewhereTest : public ::testing::Test {
 protected:
  ActorsElsewhere elsewhere() { return ActorsElsewhere(&node_.core()); }
  void Make(int32_t restarts = 0) {
    elsewhere().OnSubmitted(Task(1).Creation().Retries(restarts).Cpus(64).Build(), {});
    ASSERT_EQ(node_.Turn(), Lines({"t1 is pending", "t1 to w1 as 0"}));
  }
  void MakeAlive(int32_t restarts = 0) {
    Make(restarts);
    ASSERT_TRUE(node_.Finished(WorkerNumber(1), 1, 0).ok());
    ASSERT_EQ(node_.Turn().front(), "t1 is alive");
  }
  int64_t FreeCpus() {
    return node_.core().available().Get(kCpu).units() / ResourceAmount::kUnitsPerOne;
  }
  static ActorsElsewhere::Missing Nothing() {
    return [](const TaskSpec&) { return std::vector<ObjectId>(); };
  }

  SchedulerRecorder node_{{.cpus = 2, .workers_max = 1}};
};

TEST_F(ActorsElsewhereTest, ItTakesNothingHereWhateverItAsksFor) {
  MakeAlive();
  EXPECT_TRUE(elsewhere().IsElsewhere(WorkerNumber(1)));
  EXPECT_TRUE(elsewhere().HasActorElsewhere(TaskNumber(1)));
  EXPECT_EQ(FreeCpus(), 2);
  EXPECT_EQ(Spreading(&node_.core()).Load().Get(kCpu), Amount(0));
  // Nor a place in the pool, which has one.
  node_.Submit(Task(2));
  EXPECT_EQ(node_.Turn(), Lines({"start 2"}));
}

TEST_F(ActorsElsewhereTest, CallsGoThereInOrderAndNoTimeMatters) {
  Make();
  node_.Submit(Task(2).CallOf(1).Timeout(5));
  node_.Submit(Task(3).CallOf(1));
  EXPECT_EQ(node_.Turn(), Lines()) << "it is not made yet";
  ASSERT_TRUE(node_.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_EQ(node_.Turn(), Lines({"t1 is alive", "t2 to w1 as 1", "t3 to w1 as 2"}));
  node_.Advance(60'000);
  EXPECT_EQ(node_.Turn(), Lines()) << "its node sees to time-outs";
  ASSERT_TRUE(node_.Finished(WorkerNumber(1), 3, 2).ok());
  ASSERT_TRUE(node_.Finished(WorkerNumber(1), 2, 1).ok());
  EXPECT_EQ(node_.Turn(), Lines({"ended t3", "ended t2"}));
}

TEST_F(ActorsElsewhereTest, ACallIsStoppedByItsNode) {
  MakeAlive();
  node_.Submit(Task(2).CallOf(1));
  node_.Turn();
  node_.Cancelled(2);
  EXPECT_EQ(node_.Turn(), Lines({"cancel t2 on w1 as 1"}));
  node_.Advance(60'000);
  EXPECT_EQ(node_.Turn(), Lines()) << "which gives it up if it does not stop";
}

TEST_F(ActorsElsewhereTest, WithItsNodeGoesWhatWasSentAndTheRestWaits) {
  MakeAlive(/*restarts=*/1);
  node_.Submit(Task(2).CallOf(1));
  node_.Submit(Task(3).CallOf(1));
  node_.Turn();
  node_.Gone(WorkerNumber(1), /*begun_sequence=*/2, "its node is gone");
  EXPECT_EQ(node_.Turn(), Lines({"fail t2 code 7", "ended t2 by system", "t1 is restarting",
                                 "t1 to w2 as 0, attempt 1"}));
  ASSERT_TRUE(node_.Finished(WorkerNumber(2), 1, 0).ok());
  EXPECT_EQ(node_.Turn().back(), "t3 to w2 as 1");
}

TEST_F(ActorsElsewhereTest, RestartsThereCount) {
  MakeAlive(/*restarts=*/1);
  elsewhere().OnRestarted(TaskNumber(1), 1);
  EXPECT_EQ(node_.core().FindActor(TaskNumber(1))->restarts, 1u);
  node_.Gone(WorkerNumber(1), kAll, "its node is gone");
  EXPECT_EQ(node_.core().FindActor(TaskNumber(1))->state, ActorState::kDead);
}

TEST_F(ActorsElsewhereTest, ItIsDeadForGood) {
  MakeAlive(/*restarts=*/-1);
  node_.Submit(Task(2).CallOf(1));
  node_.Turn();
  elsewhere().OnEnded(TaskNumber(1), "it raised", SystemErrorCode::kActorDied, false);
  node_.Gone(WorkerNumber(1), kAll);
  EXPECT_EQ(node_.Turn(),
            Lines({"t1 is dead", "kill w1", "fail t2 code 7", "ended t2 by system", "ended t1"}));
  EXPECT_EQ(node_.core().FindActor(TaskNumber(1))->cause, "it raised");
}

TEST_F(ActorsElsewhereTest, ThisNodeMayHaveItAfterAllWithWhatItLacks) {
  const ObjectId input = ResultOf(9);
  elsewhere().OnSubmitted(Task(1).Creation().Cpus(1).DependsOn(input).Build(), {});
  node_.Submit(Task(2).CallOf(1).DependsOn(input));
  node_.Submit(Task(3).CallOf(1));
  ASSERT_EQ(node_.Turn(), Lines({"t1 is pending", "t1 to w1 as 0"}));
  elsewhere().OnPlacedHere(TaskNumber(1), [](const TaskSpec& task) { return task.dependencies; });
  node_.core().SanityCheck();
  EXPECT_FALSE(elsewhere().HasActorElsewhere(TaskNumber(1)));
  EXPECT_EQ(node_.Turn(), Lines());
  node_.Available(input);
  EXPECT_EQ(node_.Turn(), Lines({"start 2"}));
  node_.Started(WorkerNumber(2));
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w2 as 0"}));
  ASSERT_TRUE(node_.Finished(WorkerNumber(2), 1, 0).ok());
  const Lines lines = node_.Turn();
  EXPECT_EQ(Lines(lines.end() - 2, lines.end()), Lines({"t2 to w2 as 1", "t3 to w2 as 2"}));
}

TEST_F(ActorsElsewhereTest, WhatHasAValueAnywhereIsEnoughForWhatRunsElsewhere) {
  const ObjectId input = ResultOf(9);
  elsewhere().OnSubmitted(Task(1).Creation().DependsOn(input).Build(), {{input}});
  EXPECT_EQ(node_.Turn(), Lines({"t1 is pending"}));
  elsewhere().OnValueElsewhere(input);
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w1 as 0"}));
  ASSERT_TRUE(node_.Finished(WorkerNumber(1), 1, 0).ok());
  const ObjectId argument = ResultOf(8);
  node_.Submit(Task(2).CallOf(1).DependsOn(argument), {argument});
  node_.Submit(Task(3).DependsOn(argument), {argument});
  node_.Turn();
  elsewhere().OnValueElsewhere(argument);
  node_.core().SanityCheck();
  EXPECT_EQ(node_.Turn(), Lines({"t2 to w1 as 1"})) << "the task here waits for it";
}

TEST_F(ActorsElsewhereTest, ANameThatIsTakenIsTakenElsewhereToo) {
  node_.Submit(Task(5).Creation(1, "bob"));
  elsewhere().OnSubmitted(Task(1).Creation(1, "bob").Build(), {});
  EXPECT_EQ(node_.core().FindActor(TaskNumber(1))->state, ActorState::kDead);
  EXPECT_EQ(node_.core().FindNamedActor(DriverNumber(1), "bob"), TaskNumber(5));
}

TEST_F(ActorsElsewhereTest, WithItsDriverItEnds) {
  MakeAlive();
  elsewhere().OnSubmitted(Task(2).Creation().Build(), {});
  node_.DriverGone(1);
  const Lines lines = node_.Turn();
  EXPECT_NE(std::find(lines.begin(), lines.end(), "kill w1"), lines.end());
  EXPECT_NE(std::find(lines.begin(), lines.end(), "ended t2 by system"), lines.end());
  elsewhere().OnSubmitted(Task(3).Creation().Build(), {});
  EXPECT_EQ(node_.Turn(), Lines({"ended t3 by system"})) << "a worker of it has not heard that";
  node_.Gone(WorkerNumber(1), kAll);
  EXPECT_EQ(node_.Turn(), Lines({"ended t1", "t1 is forgotten"}));
}

TEST_F(ActorsElsewhereTest, NoClientHasALeaseOnWhatStandsForAWorker) {
  MakeAlive();
  EXPECT_FALSE(node_.core().OnLeaseOpened(WorkerNumber(1)));
}

}  // namespace
}  // namespace rayx::scheduler
