#include "scheduler/explanations/hold_up.h"

#include <gtest/gtest.h>

#include "scheduler/scheduler_recorder.h"

namespace rayx::scheduler {
namespace {

std::string TextOf(SchedulerRecorder& node, uint64_t task) {
  const auto found = node.core().reports().FindHoldUp(TaskNumber(task));
  return found ? found->text : "";
}
std::string CauseOf(SchedulerRecorder& node, uint64_t task) {
  const auto found = node.core().reports().FindHoldUp(TaskNumber(task));
  return found ? found->cause : "";
}

// Two actors that have both CPUs, on workers of the pids 101 and 102.
void MakeTwoActors(SchedulerRecorder& node) {
  for (uint64_t number = 1; number <= 2; ++number) {
    node.Submit(Task(number).Named("H").Creation(1).Cpus(1));
    node.Turn();
    node.StartedAs(WorkerNumber(number), static_cast<int64_t>(100 + number));
    node.Turn();
    EXPECT_TRUE(node.Finished(WorkerNumber(number), number, 0).ok());
  }
}

TEST(HoldUp, NothingHoldsUpWhatRunsOrIsNotKnown) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1});
  EXPECT_EQ(TextOf(node, 1), "");
  node.StartAll();
  node.Submit(Task(1));
  node.Turn();
  EXPECT_EQ(TextOf(node, 1), "");
  EXPECT_TRUE(node.Blocked(WorkerNumber(1)).ok());
  EXPECT_EQ(TextOf(node, 1), "");
}

TEST(HoldUp, ActorsThatHoldTheCpusAreNamedWithTheirProcesses) {
  SchedulerRecorder node({.cpus = 2});
  MakeTwoActors(node);
  node.Submit(Task(3));
  node.Turn();
  const std::string text = TextOf(node, 3);
  EXPECT_EQ(text.substr(0, text.find(" An actor")),
            "f3 needs 1 CPU, 0 of 2 free: held by actors H (pid 101, pid 102). 1 task is queued.");
  EXPECT_NE(text.find("end one with rayx.kill"), std::string::npos) << text;
  EXPECT_NE(text.find("num_cpus=0"), std::string::npos) << text;
  // The cause is the same for all that it holds up.
  node.Submit(Task(4));
  EXPECT_NE(TextOf(node, 4).find("2 tasks are queued"), std::string::npos);
  EXPECT_EQ(CauseOf(node, 3), "lacks CPU, actor H");
  EXPECT_EQ(CauseOf(node, 4), CauseOf(node, 3));
}

TEST(HoldUp, ABlockedActorHoldsNoCpu) {
  SchedulerRecorder node({.cpus = 2});
  MakeTwoActors(node);
  node.Submit(Task(3).CallOf(1));
  node.Turn();
  EXPECT_TRUE(node.Blocked(WorkerNumber(1)).ok());
  node.Submit(Task(4).Cpus(2));
  node.Turn();
  const std::string text = TextOf(node, 4);
  EXPECT_NE(text.find("needs 2 CPU, 1 of 2 free: held by actor H (pid 102)."), std::string::npos)
      << text;
}

TEST(HoldUp, TasksThatHoldWhatIsLackedComeWithoutAdvice) {
  SchedulerRecorder node({.cpus = 2, .prestart = 1});
  node.StartAll();
  node.Submit(Task(1).Cpus(2));
  node.Turn();
  node.Submit(Task(2));
  node.Turn();
  EXPECT_EQ(TextOf(node, 2),
            "f2 needs 1 CPU, 0 of 2 free: held by task f1 (worker 1). 1 task is queued.");
  EXPECT_EQ(CauseOf(node, 2), "lacks CPU, task f1");
}

TEST(HoldUp, SeveralResourcesAndManyHolders) {
  SchedulerRecorder node({.cpus = 8, .more = {{"disk", Amount(1)}}});
  for (uint64_t number = 1; number <= 7; ++number) {
    node.Submit(Task(number)
                    .Named(number < 7 ? "H" : "D")
                    .Creation(1)
                    .Cpus(1)
                    .Needs("disk", Amount(number < 7 ? 0.1 : 0.4)));
    node.Turn();
    node.StartedAs(WorkerNumber(number), static_cast<int64_t>(number));
    node.Turn();
  }
  node.Submit(Task(8).Cpus(2).Needs("disk", Amount(0.5)));
  node.Turn();
  const std::string text = TextOf(node, 8);
  EXPECT_NE(text.find("needs 2 CPU, 1 of 8 free, and 0.5 disk, 0 of 1 free: held by actors D (pid "
                      "7), H (pid 1, pid 2, pid 3, pid 4, pid 5, …)."),
            std::string::npos)
      << text;
}

TEST(HoldUp, AGpuInPieces) {
  SchedulerRecorder node(
      {.cpus = 8, .prestart = 2, .pipeline = false, .more = {{"GPU", Amount(2)}}});
  node.StartAll();
  node.Submit(Task(1).Needs("GPU", Amount(0.6)));
  node.Submit(Task(2).Needs("GPU", Amount(0.6)));
  node.Turn();
  node.Submit(Task(3).Needs("GPU", Amount(0.6)));
  node.Turn();
  const std::string text = TextOf(node, 3);
  EXPECT_NE(text.find("needs 0.6 GPU, 0.8 of 2 free, but in pieces: held by tasks f1 (worker "),
            std::string::npos)
      << text;
}

TEST(HoldUp, WhatMakesTheMissingObjectCounts) {
  SchedulerRecorder node({.cpus = 2});
  MakeTwoActors(node);
  node.Submit(Task(3));
  node.Submit(Task(4).DependsOn(ResultOf(3)), {ResultOf(3)});
  node.Submit(Task(5).DependsOn(ResultOf(4)), {ResultOf(4)});
  node.Turn();
  EXPECT_EQ(TextOf(node, 5), TextOf(node, 3));
  node.Submit(Task(6).DependsOn(ResultOf(9)), {ResultOf(9)});
  EXPECT_EQ(TextOf(node, 6), "f6 waits for the object " + ResultOf(9).Hex() +
                                 ", which is not there, and which no task makes.");
}

TEST(HoldUp, TasksBehindOneThatRuns) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1});
  node.StartAll();
  node.Submit(1, 2);
  node.Turn();
  EXPECT_EQ(TextOf(node, 1), "");
  EXPECT_EQ(TextOf(node, 2), "f2 stands behind 1 task on worker 1, which runs f1.");
}

// Who asks twice in a burst would find the same both times, and take it for a standstill.
TEST(HoldUp, NothingHoldsUpWhatTheNextDecisionHandsOut) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1, .pipeline = false});
  node.StartAll();
  node.Submit(1, 3);
  node.Turn();
  EXPECT_EQ(CauseOf(node, 3), "lacks CPU, task f1");
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_EQ(TextOf(node, 3), "");
  node.Turn();
  EXPECT_EQ(CauseOf(node, 3), "lacks CPU, task f2");
}

TEST(HoldUp, CallsOfAnActor) {
  SchedulerRecorder node({.cpus = 2, .pipeline = false});
  node.Submit(Task(1).Named("A").Creation(1).Cpus(1));
  node.Submit(Task(2).CallOf(1));
  node.Submit(Task(3).CallOf(1));
  // It is still to be made, which is a matter of a moment.
  EXPECT_EQ(TextOf(node, 3), "");
  node.Turn();
  node.StartedAs(WorkerNumber(1), 7);
  node.Turn();
  EXPECT_EQ(TextOf(node, 3), "");
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok());
  node.Turn();
  EXPECT_EQ(TextOf(node, 2), "");
  EXPECT_EQ(TextOf(node, 3), "f3 stands behind 1 call of actor A (pid 7), which runs f2.");
  EXPECT_TRUE(node.Blocked(WorkerNumber(1)).ok());
  EXPECT_EQ(TextOf(node, 3),
            "f3 stands behind 1 call of actor A (pid 7), which runs f2, and that waits in get or "
            "wait itself.");
  EXPECT_EQ(CauseOf(node, 3), "calls of A");
}

TEST(HoldUp, ACallOfAnActorThatCannotBeMade) {
  SchedulerRecorder node({.cpus = 2});
  MakeTwoActors(node);
  node.Submit(Task(3).Named("B").Creation(1).Cpus(1));
  node.Submit(Task(4).CallOf(3));
  node.Turn();
  EXPECT_EQ(TextOf(node, 4).substr(0, 38), "B needs 1 CPU, 0 of 2 free: held by ac");
}

TEST(HoldUp, UnfinishedTasksAreCountedByDriver) {
  SchedulerRecorder node({.cpus = 1});
  node.Submit(Task(1).Creation(1).Cpus(1));
  node.Submit(Task(2).CallOf(1));
  node.Submit(Task(3));
  node.Submit(Task(4).DependsOn(ResultOf(9)), {ResultOf(9)});
  node.Submit(Task(5).Driver(2));
  EXPECT_EQ(node.core().reports().CountUnfinished(testing::DriverNumber(1)), 3u);
  EXPECT_EQ(node.core().reports().CountUnfinished(testing::DriverNumber(2)), 1u);
  EXPECT_EQ(node.core().reports().CountUnfinished(testing::DriverNumber(3)), 0u);
}

}  // namespace
}  // namespace rayx::scheduler
