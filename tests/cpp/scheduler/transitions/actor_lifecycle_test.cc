#include "scheduler/transitions/actor_lifecycle.h"

#include <gtest/gtest.h>

#include "scheduler/scheduler_recorder.h"

namespace rayx::scheduler {
namespace {

// Actor 1 is alive on worker 1.
class ActorLifecycle : public ::testing::Test {
 protected:
  void MakeAlive(Task&& creation) {
    node_.Submit(std::move(creation));
    EXPECT_EQ(node_.Turn(), Lines({"t1 is pending", "start 1"}));
    node_.Started(WorkerNumber(1));
    EXPECT_EQ(node_.Turn(), Lines({"t1 to w1 as 0"}));
    EXPECT_TRUE(node_.Finished(WorkerNumber(1), 1, 0).ok());
    node_.Turn();
    EXPECT_EQ(State(), ActorState::kAlive);
  }
  ActorState State() { return node_.core().FindActor(TaskNumber(1))->state; }

  SchedulerRecorder node_;
};

TEST_F(ActorLifecycle, CallsWaitForTheCreationAndRunInOrder) {
  node_.Submit(Task(1).Creation());
  node_.Submit(Task(2).CallOf(1));
  node_.Submit(Task(3).CallOf(1));
  EXPECT_EQ(node_.Turn(), Lines({"t1 is pending", "start 1"}));
  node_.Started(WorkerNumber(1));
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w1 as 0"}));
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_EQ(node_.Turn(), Lines({"t1 is alive", "t2 to w1 as 1", "t3 to w1 as 2"}));
  EXPECT_FALSE(node_.Finished(WorkerNumber(1), 1, 0).ok()) << "a creation ends once";
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 2, 1).ok());
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 3, 2).ok());
  EXPECT_EQ(node_.Turn(), Lines({"ended t2", "ended t3"}));
}

TEST_F(ActorLifecycle, ACallThatWaitsHoldsUpThoseOfItsCallerOnly) {
  MakeAlive(Task(1).Creation());
  node_.Submit(Task(2).CallOf(1).DependsOn(ResultOf(9)), {ResultOf(9)}, kNoWorker, ClientId(7));
  node_.Submit(Task(3).CallOf(1), {}, kNoWorker, ClientId(7));
  node_.Submit(Task(4).CallOf(1), {}, kNoWorker, ClientId(8));
  EXPECT_EQ(node_.Turn(), Lines({"t4 to w1 as 1"}));
  node_.Available(ResultOf(9));
  EXPECT_EQ(node_.Turn(), Lines({"t2 to w1 as 2", "t3 to w1 as 3"}));
}

TEST_F(ActorLifecycle, ACallThatHasStoredItsResultHasNotFailedWhenItsActorIsKilled) {
  MakeAlive(Task(1).Creation());
  node_.Submit(Task(2).CallOf(1));
  node_.Submit(Task(3).CallOf(1));
  node_.Turn();
  node_.core().OnResultMade(TaskNumber(2));
  node_.Killed(1);
  EXPECT_EQ(node_.Turn(), Lines({"t1 is dead", "kill w1"}));
  node_.Gone(WorkerNumber(1), 3);
  EXPECT_EQ(node_.Turn(), Lines({"fail t2 code 7 unless it has its results", "ended t2",
                                 "fail t3 code 7", "ended t3 by system", "ended t1"}));
}

TEST_F(ActorLifecycle, AnIdleActorEndsByItselfWhenItsDriverIsAboutToGo) {
  MakeAlive(Task(1).Creation());
  node_.Submit(Task(2).CallOf(1).DependsOn(ResultOf(9)), {ResultOf(9)});
  node_.Turn();
  node_.DriverEnding(1);
  EXPECT_EQ(node_.Turn(), Lines({"ended t2 by system", "t1 is dead", "stop w1"}))
      << "nobody waits for the call any more, which fails in silence";
  EXPECT_EQ(node_.core().EndingWorkersOf(DriverNumber(1)),
            std::vector<WorkerNumber>({WorkerNumber(1)}));
  node_.Gone(WorkerNumber(1));
  EXPECT_EQ(node_.Turn(), Lines({"ended t1"}));
  EXPECT_TRUE(node_.core().EndingWorkersOf(DriverNumber(1)).empty());
}

TEST_F(ActorLifecycle, AnActorThatRunsACallIsLeftToBeKilledWithItsDriver) {
  MakeAlive(Task(1).Creation());
  node_.Submit(Task(2).CallOf(1));
  node_.Turn();
  node_.DriverEnding(1);
  EXPECT_EQ(node_.Turn(), Lines({}));
  node_.DriverGone(1);
  EXPECT_EQ(node_.Turn(), Lines({"t1 is dead", "kill w1"}));
}

TEST_F(ActorLifecycle, CallersTakeTurns) {
  MakeAlive(Task(1).Creation());
  for (uint64_t i = 2; i < 4; ++i) node_.Submit(Task(i).CallOf(1), {}, kNoWorker, ClientId(7));
  for (uint64_t i = 4; i < 6; ++i) node_.Submit(Task(i).CallOf(1), {}, kNoWorker, ClientId(8));
  EXPECT_EQ(node_.Turn(),
            Lines({"t2 to w1 as 1", "t4 to w1 as 2", "t3 to w1 as 3", "t5 to w1 as 4"}));
}

TEST_F(ActorLifecycle, AsManyCallsAreHandedOutAsMayRunAndSomeAhead) {
  MakeAlive(Task(1).Creation(3));
  for (uint64_t i = 0; i < 100; ++i) node_.Submit(Task(100 + i).CallOf(1));
  EXPECT_EQ(node_.Turn().size(), 3 + limits::kPipelineDepth);
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 102, 3).ok()) << "calls may end in any order";
  EXPECT_EQ(node_.Turn().size(), 2u);
}

TEST_F(ActorLifecycle, MoreArePrefetchedIfManyEndBetweenTwoLooks) {
  MakeAlive(Task(1).Creation());
  constexpr size_t kCalls = 1000;
  for (uint64_t i = 0; i < kCalls; ++i) node_.Submit(Task(100 + i).CallOf(1));
  const auto handed_out = [&] {
    size_t count = 0;
    for (const std::string& line : node_.Turn()) count += line.find(" to w1 as ") != line.npos;
    return count;
  };
  size_t given = handed_out();
  EXPECT_EQ(given, 1 + limits::kPipelineDepth);
  size_t ended = 0;
  const auto end = [&](size_t count) {
    for (size_t i = 0; i < count; ++i, ++ended) {
      ASSERT_TRUE(
          node_.Finished(WorkerNumber(1), 100 + ended, static_cast<uint32_t>(1 + ended)).ok());
    }
    given += handed_out();
  };
  end(4);
  EXPECT_EQ(given - ended, 1 + limits::kPipelineDepth) << "a few";
  end(10);
  EXPECT_EQ(given - ended, 1 + 10 * limits::kCallsPrefetchedFactor);
  end(60);
  EXPECT_EQ(given - ended, 1 + limits::kCallsPrefetchedMax) << "not without bound";
  end(1);
  EXPECT_EQ(given - ended, limits::kCallsPrefetchedMax) << "no more, since calls take longer now";
  while (given - ended > 1 + limits::kPipelineDepth) end(1);
  end(1);
  EXPECT_EQ(given - ended, 1 + limits::kPipelineDepth);
}

TEST_F(ActorLifecycle, ManyActorsLiveOnFewProcessors) {
  SchedulerRecorder node({.cpus = 2, .prestart = 2, .workers_max = 4096});
  for (uint64_t i = 1; i <= 200; ++i) node.Submit(Task(i).Creation());
  node.Submit(Task(1000));
  for (int turn = 0; turn < 500; ++turn) {
    for (const std::string& line : node.Turn()) {
      if (line.starts_with("start ")) node.Started(WorkerNumber(std::stoull(line.substr(6))));
      EXPECT_FALSE(line.starts_with("stop")) << line;
    }
  }
  for (uint64_t i = 1; i <= 200; ++i) {
    const auto actor = node.core().FindActor(TaskNumber(i));
    EXPECT_NE(actor->worker, kNoWorker) << i;
  }
  EXPECT_EQ(node.core().Stats().actors, 200u);
  EXPECT_TRUE(node.core().IsAssigned(TaskNumber(1000)));
}

TEST_F(ActorLifecycle, AnInitThatRaisesFailsEveryCallAlike) {
  node_.Submit(Task(1).Creation());
  node_.Submit(Task(2).CallOf(1));
  node_.StartNext(WorkerNumber(1));
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 1, 0, true).ok());
  EXPECT_EQ(node_.Turn(),
            Lines({"t1 is dead", "stop w1", "fail t2 code 7 like t1", "ended t2 by system"}));
  node_.Submit(Task(3).CallOf(1));
  EXPECT_EQ(node_.Turn(), Lines({"fail t3 code 7 like t1", "ended t3 by system"}));
  node_.Gone(WorkerNumber(1));
  EXPECT_EQ(node_.Turn(), Lines({"ended t1 by system"}));
  node_.Unreferenced(1);
  EXPECT_EQ(node_.Turn(), Lines({"t1 is forgotten"}));
}

TEST_F(ActorLifecycle, IsMadeAgainAsOftenAsItMay) {
  MakeAlive(Task(1).Creation().Retries(1));
  for (uint64_t i = 2; i < 5; ++i) node_.Submit(Task(i).CallOf(1));
  node_.Turn();
  node_.Gone(WorkerNumber(1), 2, "it was shot");
  EXPECT_EQ(State(), ActorState::kRestarting);
  EXPECT_EQ(node_.Turn(),
            Lines({"fail t2 code 7", "ended t2 by system", "t1 is restarting", "start 2"}));
  node_.Submit(Task(5).CallOf(1));
  node_.Started(WorkerNumber(2));
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w2 as 0, attempt 1"}));
  EXPECT_TRUE(node_.Finished(WorkerNumber(2), 1, 0).ok());
  EXPECT_EQ(node_.Turn(),
            Lines({"t1 is alive", "t3 to w2 as 1", "t4 to w2 as 2", "t5 to w2 as 3"}));
  EXPECT_EQ(node_.core().FindActor(TaskNumber(1))->restarts, 1u);
  node_.Gone(WorkerNumber(2), 2, "it was shot again");
  EXPECT_EQ(node_.Turn(),
            Lines({"fail t3 code 7", "ended t3 by system", "t1 is dead", "fail t4 code 7",
                   "ended t4 by system", "fail t5 code 7", "ended t5 by system", "ended t1"}));
  EXPECT_NE(node_.texts().find("it was shot again"), std::string::npos) << node_.texts();
}

TEST_F(ActorLifecycle, ADeathInInitCountsAndOneBeforeDoesNot) {
  node_.Submit(Task(1).Creation());
  node_.Submit(Task(2).CallOf(1));
  node_.StartNext(WorkerNumber(1));
  node_.Gone(WorkerNumber(1), 0);
  EXPECT_EQ(node_.Turn(), Lines({"start 2"}));
  node_.Started(WorkerNumber(2));
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w2 as 0"}));
  node_.Gone(WorkerNumber(2), 1);
  EXPECT_EQ(node_.Turn(), Lines({"t1 is dead", "fail t1 code 7", "fail t2 code 7 like t1",
                                 "ended t2 by system", "ended t1 by system"}));
}

TEST_F(ActorLifecycle, KilledItFailsWhatRunsAndWhatWaits) {
  MakeAlive(Task(1).Creation().Retries(-1));
  node_.Submit(Task(2).CallOf(1));
  node_.Turn();
  node_.Submit(Task(3).CallOf(1).DependsOn(ResultOf(9)), {ResultOf(9)});
  node_.Killed(1, "it had to go");
  EXPECT_EQ(node_.Turn(), Lines({"t1 is dead", "kill w1", "fail t3 code 7", "ended t3 by system"}));
  node_.Submit(Task(4).CallOf(1));
  node_.Turn();
  EXPECT_NE(node_.texts().find("it had to go"), std::string::npos) << node_.texts();
  node_.Gone(WorkerNumber(1), 2);
  EXPECT_EQ(node_.Turn(), Lines({"fail t2 code 7", "ended t2 by system", "ended t1"}));
  node_.Unreferenced(1);
  EXPECT_EQ(node_.Turn(), Lines({"t1 is forgotten"}));
  node_.Submit(Task(5).CallOf(1));
  EXPECT_EQ(node_.Turn(), Lines({"fail t5 code 7", "ended t5 by system"}));
}

TEST_F(ActorLifecycle, ACallThatEndedBeforeTheKillHasItsResultThoughTheNodeHearsOfItLater) {
  MakeAlive(Task(1).Creation());
  node_.Submit(Task(2).CallOf(1));
  node_.Submit(Task(3).CallOf(1));
  node_.Turn();
  node_.Killed(1);
  EXPECT_EQ(node_.Turn(), Lines({"t1 is dead", "kill w1"}));
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 2, 1).ok());
  EXPECT_EQ(node_.Turn(), Lines({"ended t2"}));
  node_.Gone(WorkerNumber(1), 3);
  EXPECT_EQ(node_.Turn(), Lines({"fail t3 code 7", "ended t3 by system", "ended t1"}));
}

TEST_F(ActorLifecycle, WhenItsDriverIsGoneNobodyIsToldOfItsCalls) {
  MakeAlive(Task(1).Creation());
  node_.Submit(Task(2).CallOf(1));
  node_.Turn();
  node_.Killed(1);
  node_.Turn();
  node_.core().OnDriverGone(DriverNumber(1));
  node_.Turn();
  node_.Gone(WorkerNumber(1), 2);
  EXPECT_EQ(node_.Turn(), Lines({"ended t2 by system", "ended t1", "t1 is forgotten"}));
}

TEST_F(ActorLifecycle, KilledBeforeItIsMadeItFailsItsCreation) {
  node_.Submit(Task(1).Creation().DependsOn(ResultOf(9)), {ResultOf(9)});
  node_.Submit(Task(2).Creation());
  node_.Submit(Task(3).Creation());
  node_.Turn();
  node_.Killed(1);
  node_.Killed(2);
  EXPECT_EQ(node_.Turn(), Lines({"t1 is dead", "fail t1 code 7", "ended t1 by system", "t2 is dead",
                                 "fail t2 code 7", "ended t2 by system"}));
  node_.Started(WorkerNumber(1));
  EXPECT_EQ(node_.Turn(), Lines({"t3 to w1 as 0"}));
  node_.Killed(3);
  EXPECT_EQ(node_.Turn(), Lines({"t3 is dead", "fail t3 code 7", "kill w1"}));
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 3, 0).ok());
  node_.Gone(WorkerNumber(1), 1);
  EXPECT_EQ(node_.Turn(), Lines({"ended t3 by system"}));
}

TEST_F(ActorLifecycle, UnreferencedItEndsAndIsForgotten) {
  MakeAlive(Task(1).Creation().Retries(-1));
  node_.Unreferenced(1);
  EXPECT_EQ(node_.Turn(), Lines({"t1 is dead", "stop w1"}));
  node_.Gone(WorkerNumber(1), 1);
  EXPECT_EQ(node_.Turn(), Lines({"ended t1", "t1 is forgotten"}));
  EXPECT_FALSE(node_.core().FindActor(TaskNumber(1)).has_value());
  EXPECT_EQ(node_.core().Stats().actors, 0u);
}

TEST_F(ActorLifecycle, UnreferencedBeforeItIsMadeItIsMadeFirst) {
  node_.Submit(Task(1).Creation());
  node_.Submit(Task(2).Creation().DependsOn(ResultOf(9)), {ResultOf(9)});
  node_.Turn();
  node_.Unreferenced(1);
  node_.Unreferenced(2);
  EXPECT_EQ(node_.Turn(), Lines({"t2 is forgotten", "ended t2 by system", "t2 is forgotten"}));
  node_.Started(WorkerNumber(1));
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w1 as 0"}));
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_EQ(node_.Turn(), Lines({"t1 is dead", "t1 is dead", "stop w1"}));
}

TEST_F(ActorLifecycle, InputsAreReleasedWhenItCannotBeMadeAgain) {
  MakeAlive(Task(1).Creation().DependsOn(ResultOf(9)).Retries(0));
  EXPECT_TRUE(node_.core().FindTask(TaskNumber(1))->dependencies.empty());
}

TEST_F(ActorLifecycle, ANameIsTakenAsLongAsItsActorLives) {
  MakeAlive(Task(1).Creation(1, "hal"));
  const auto find = [&] { return node_.core().FindNamedActor(DriverNumber(1), "hal"); };
  EXPECT_EQ(find(), TaskNumber(1));
  EXPECT_FALSE(node_.core().FindNamedActor(DriverNumber(2), "hal").has_value());
  node_.Submit(Task(2).Creation(1, "hal"));
  EXPECT_EQ(node_.Turn(), Lines({"t2 is dead", "fail t2 code 7", "ended t2 by system"}));
  node_.Submit(Task(3).CallOf(2));
  EXPECT_EQ(node_.Turn(), Lines({"fail t3 code 7 like t2", "ended t3 by system"}));
  EXPECT_EQ(find(), TaskNumber(1));
  node_.Killed(1);
  EXPECT_FALSE(find().has_value());
  node_.Submit(Task(4).Creation(1, "hal"));
  EXPECT_EQ(find(), TaskNumber(4));
}

TEST_F(ActorLifecycle, WhatCannotBeMadeFailsItsCalls) {
  node_.Submit(Task(1).Creation().Cpus(5));
  node_.Submit(Task(2).CallOf(1));
  EXPECT_EQ(node_.Turn(), Lines({"t1 is dead", "fail t1 code 2", "ended t1 by system",
                                 "fail t2 code 2 like t1", "ended t2 by system"}));
}

TEST_F(ActorLifecycle, ItsProcessorsAreItsOwnForLifeUnlessItBlocks) {
  MakeAlive(Task(1).Creation().Cpus(2));
  node_.Submit(Task(2));
  node_.Submit(Task(3).CallOf(1));
  EXPECT_EQ(node_.Turn(), Lines({"t3 to w1 as 1"}));
  EXPECT_TRUE(node_.Blocked(WorkerNumber(1)).ok());
  EXPECT_TRUE(node_.Blocked(WorkerNumber(1)).ok()) << "a second call of it may block";
  EXPECT_EQ(node_.Turn(), Lines({"start 2"}));
  node_.Started(WorkerNumber(2));
  EXPECT_EQ(node_.Turn(), Lines({"t2 to w2 as 0"}));
  EXPECT_TRUE(node_.Finished(WorkerNumber(1), 3, 1).ok());
  EXPECT_EQ(node_.core().available().Get(kCpu), Amount(0) - Amount(1));
}

TEST_F(ActorLifecycle, GoesWithItsDriver) {
  MakeAlive(Task(1).Creation());
  node_.Submit(Task(2).Creation());
  node_.Submit(Task(3).CallOf(1));
  node_.Turn();
  node_.Submit(Task(4).CallOf(2));
  node_.DriverGone(1);
  EXPECT_EQ(node_.Turn().back(), "kill w1");
  node_.Gone(WorkerNumber(1), 2);
  EXPECT_EQ(node_.Turn(), Lines({"ended t3 by system", "ended t1", "t1 is forgotten"}));
  EXPECT_EQ(node_.core().Stats().actors, 0u);
}

}  // namespace
}  // namespace rayx::scheduler
