// Decisions: which task, which worker, how many workers.

#include "scheduler/transitions/dispatcher.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "scheduler/scheduler_recorder.h"
#include "scheduler/tables/start_backoff.h"

namespace rayx::scheduler {
namespace {

// --- which task ---

TEST(Dispatcher, TasksRunInOrderAndWhatDoesNotFitIsPassed) {
  SchedulerRecorder node({.cpus = 2, .prestart = 2, .pipeline = false});
  node.StartAll();
  node.Submit(Task(1));
  node.Submit(Task(2).Cpus(2));
  node.Submit(Task(3).Needs("CPU", Amount(0.5)));
  node.Submit(Task(4).Needs("CPU", Amount(0.5)));
  EXPECT_EQ(node.Turn(), Lines({"t1 to w2 as 0", "t3 to w1 as 0", "start 3"}));
  node.Started(WorkerNumber(3));
  EXPECT_EQ(node.Turn(), Lines({"t4 to w3 as 0"}));
  EXPECT_TRUE(node.Finished(WorkerNumber(2), 1, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t1"}));
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 3, 0).ok());
  EXPECT_TRUE(node.Finished(WorkerNumber(3), 4, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t3", "ended t4", "t2 to w3 as 1"}));
}

TEST(Dispatcher, ATaskWithoutDemandNeedsOnlyAWorker) {
  SchedulerRecorder node({.cpus = 1, .workers_max = 3});
  node.Submit(Task(1));
  for (uint64_t task = 2; task <= 5; ++task) node.Submit(Task(task).Cpus(0));
  EXPECT_EQ(node.Turn(), Lines({"start 1", "start 2", "start 3"}));
  for (const WorkerNumber worker : {WorkerNumber(1), WorkerNumber(2), WorkerNumber(3)})
    node.Started(worker);
  EXPECT_EQ(node.Turn(), Lines({"t1 to w3 as 0", "t2 to w2 as 0", "t3 to w1 as 0", "t4 to w2 as 1",
                                "t5 to w1 as 1"}));
  EXPECT_EQ(node.core().available().ToString(), "{}");
}

TEST(Dispatcher, AStarvedTaskGetsWhatBecomesFree) {
  SchedulerRecorder node({.cpus = 2, .prestart = 2, .pipeline = false});
  node.StartAll();
  node.Submit(1, 2);
  EXPECT_EQ(node.Turn(), Lines({"t1 to w2 as 0", "t2 to w1 as 0"}));
  node.Submit(Task(3).Cpus(2));
  node.Submit(4, 6);
  EXPECT_EQ(node.Turn(), Lines());
  EXPECT_TRUE(node.Finished(WorkerNumber(2), 1, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t1", "t4 to w2 as 1"})) << "it is passed at first";
  EXPECT_EQ(node.core().NextTickMs(), 1000);
  node.Advance(1000);
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 2, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t2"})) << "not any more";
  EXPECT_TRUE(node.Finished(WorkerNumber(2), 4, 1).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t4", "t3 to w2 as 2"}));
  EXPECT_TRUE(node.Finished(WorkerNumber(2), 3, 2).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t3", "t5 to w2 as 3", "t6 to w1 as 1"}));
}

TEST(Dispatcher, ForAStarvedTaskPrefetchedOnesAreTakenBack) {
  SchedulerRecorder node({.cpus = 2, .prestart = 2});
  node.StartAll();
  node.Submit(1, 2);
  node.Submit(Task(3).Cpus(2));
  node.Submit(4, 5);
  EXPECT_EQ(node.Turn(),
            Lines({"t1 to w2 as 0", "t2 to w1 as 0", "t4 to w2 as 1", "t5 to w1 as 1"}));
  node.Advance(1000);
  EXPECT_EQ(node.Turn(), Lines({"revoke w2", "revoke w1"}));
  node.Revoked(WorkerNumber(2), 1);
  node.Revoked(WorkerNumber(1), 1);
  EXPECT_EQ(node.Turn(), Lines());
  EXPECT_TRUE(node.Finished(WorkerNumber(2), 1, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t1"}));
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 2, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t2", "t3 to w1 as 2"}));
}

TEST(Dispatcher, ChildrenOfATaskRunBeforeItsSiblings) {
  SchedulerRecorder node({.cpus = 1, .prestart = 2, .pipeline = false});
  node.StartAll();
  node.Submit(1, 3);
  EXPECT_EQ(node.Turn(), Lines({"t1 to w2 as 0"}));
  node.Submit(Task(4), {}, WorkerNumber(2));
  EXPECT_TRUE(node.Blocked(WorkerNumber(2)).ok());
  EXPECT_EQ(node.Turn(), Lines({"t4 to w1 as 0"}));
}

// --- which worker ---

TEST(Dispatcher, TasksArePrefetchedEvenlyForWorkersOfTheirClass) {
  SchedulerRecorder node({.cpus = 2, .prestart = 2});
  node.StartAll();
  node.Submit(1, 5);
  node.Submit(Task(6).Driver(2));
  EXPECT_EQ(node.Turn(), Lines({"t1 to w2 as 0", "t2 to w1 as 0", "t3 to w2 as 1", "t4 to w1 as 1",
                                "t5 to w2 as 2"}));
  EXPECT_TRUE(node.Finished(WorkerNumber(2), 1, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t1"})) << "the next one inherits its CPU";
  EXPECT_EQ(node.core().RunningTask(WorkerNumber(2))->id, TaskNumber(3));
}

TEST(Dispatcher, PrefetchingHasALimitAndGoesInPortions) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1});
  node.StartAll();
  node.Submit(1, 100);
  EXPECT_EQ(node.Turn().size(), 1 + limits::kPipelineDepth);
  for (uint32_t i = 0; i < limits::kPipelineDepth / 4 - 1; ++i) {
    EXPECT_TRUE(node.Finished(WorkerNumber(1), i + 1, i).ok());
    EXPECT_EQ(node.Turn().size(), 1u);
  }
  EXPECT_TRUE(
      node.Finished(WorkerNumber(1), limits::kPipelineDepth / 4, limits::kPipelineDepth / 4 - 1)
          .ok());
  EXPECT_EQ(node.Turn().size(), 1 + limits::kPipelineDepth / 4);
}

TEST(Dispatcher, AnIdleWorkerGetsAShareOfManyPrefetched) {
  SchedulerRecorder node({.cpus = 2, .prestart = 2});
  node.StartAll();
  node.Submit(1, 24);
  node.Turn();
  for (uint32_t i = 0; i < 12; ++i) EXPECT_TRUE(node.Finished(WorkerNumber(1), 2 + 2 * i, i).ok());
  Lines lines = node.Turn();
  EXPECT_EQ(lines.back(), "revoke w2");
  node.Revoked(WorkerNumber(2), 1);
  lines = node.Turn();
  EXPECT_EQ(lines.size(), 11u);
  EXPECT_EQ(lines[0], "t3 to w1 as 12");
  EXPECT_EQ(lines[1], "t5 to w2 as 12");
  EXPECT_EQ(node.Turn(), Lines());
}

TEST(Dispatcher, FewPrefetchedAreLeftToAWorkerThatMakesProgress) {
  SchedulerRecorder node({.cpus = 2, .prestart = 2});
  node.StartAll();
  node.Submit(1, 4);
  node.Turn();
  for (uint32_t i = 0; i < 2; ++i) EXPECT_TRUE(node.Finished(WorkerNumber(1), 2 + 2 * i, i).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t2", "ended t4"}));
  EXPECT_EQ(node.core().NextTickMs(), 1);
  node.Advance(1);
  EXPECT_EQ(node.Turn(), Lines({"revoke w2"}));
  node.Revoked(WorkerNumber(2), 2);  // it had begun t3 after all
  EXPECT_EQ(node.Turn(), Lines()) << "and is not asked again";
  EXPECT_TRUE(node.Finished(WorkerNumber(2), 1, 0).ok());
  EXPECT_TRUE(node.Finished(WorkerNumber(2), 3, 1).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t1", "ended t3"}));
}

TEST(Dispatcher, RevokedTasksAreFirstInLineAndNumbersAreNotUsedTwice) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1});
  node.StartAll();
  node.Submit(1, 40);
  node.Turn();
  EXPECT_TRUE(node.Blocked(WorkerNumber(1)).ok());
  EXPECT_EQ(node.Turn(), Lines({"revoke w1", "start 2"}));
  node.Revoked(WorkerNumber(1), 1);
  EXPECT_EQ(node.core().Stats().tasks_ready, 39u);
  EXPECT_TRUE(node.Unblocked(WorkerNumber(1)).ok());
  const Lines lines = node.Turn();
  EXPECT_EQ(lines.size(), limits::kPipelineDepth);
  EXPECT_EQ(lines.front(), "t2 to w1 as 33");
  EXPECT_EQ(lines.back(), "t33 to w1 as 64");
}

TEST(Dispatcher, NoTaskIsPrefetchedIfOthersLikeItWaitForTheirChildren) {
  SchedulerRecorder node({.cpus = 1, .prestart = 2});
  node.StartAll();
  node.Submit(1, 2);
  EXPECT_EQ(node.Turn(), Lines({"t1 to w2 as 0", "t2 to w2 as 1"}));
  node.Submit(Task(3), {}, WorkerNumber(2));
  node.Submit(Task(4), {}, WorkerNumber(2));
  EXPECT_TRUE(node.Blocked(WorkerNumber(2)).ok());
  EXPECT_EQ(node.Turn(), Lines({"revoke w2", "t3 to w1 as 0", "t4 to w1 as 1"}))
      << "the children, of whom none has waited yet";
  node.Revoked(WorkerNumber(2), 1);
  EXPECT_EQ(node.Turn(), Lines()) << "not the parents' sibling";
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 3, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t3"}));
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 4, 1).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t4", "t2 to w1 as 2"})) << "alone, when nothing is deeper";
}

TEST(Dispatcher, AWorkerServesOneDriver) {
  SchedulerRecorder node({.cpus = 1});
  node.Submit(Task(1));
  node.StartNext(WorkerNumber(1));
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok());
  node.Submit(Task(2).Driver(2));
  // One CPU: the idle worker of driver 1 makes room for one of driver 2.
  EXPECT_EQ(node.Turn(), Lines({"ended t1", "start 2", "stop w1"}));
  node.Gone(WorkerNumber(1));
  node.Started(WorkerNumber(2));
  EXPECT_EQ(node.Turn(), Lines({"t2 to w2 as 0"}));
}

// --- how many workers ---

TEST(Dispatcher, StartsWhatIsToBeThereBeforeTasksAsk) {
  SchedulerRecorder node({.cpus = 16, .prestart = 10});
  EXPECT_EQ(node.Turn().size(), limits::kWorkerStartsMax);
  node.Started(WorkerNumber(1));
  EXPECT_EQ(node.Turn(), Lines({"start 9"}));
  node.Started(WorkerNumber(2));
  node.Started(WorkerNumber(3));
  EXPECT_EQ(node.Turn(), Lines({"start 10"}));
  node.Gone(WorkerNumber(1));
  EXPECT_EQ(node.Turn(), Lines({"start 11"}));
}

TEST(Dispatcher, StartsNoMoreThanTasksNeedNorAtOnceNorInAll) {
  SchedulerRecorder few({.cpus = 4});
  few.Submit(1, 2);
  EXPECT_EQ(few.Turn(), Lines({"start 1", "start 2"}));
  few.Submit(3, 9);
  EXPECT_EQ(few.Turn(), Lines({"start 3", "start 4"})) << "there are four CPUs";

  SchedulerRecorder many({.cpus = 64, .workers_max = 10});
  many.Submit(1, 30);
  EXPECT_EQ(many.Turn().size(), limits::kWorkerStartsMax);
  for (WorkerNumber worker(1); worker <= WorkerNumber(8); ++worker) many.Started(worker);
  const Lines lines = many.Turn();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "start 9"), 1);
  EXPECT_EQ(lines.back(), "start 10");
}

TEST(Dispatcher, AFullPoolEndsAnIdleWorkerOfAnotherDriver) {
  SchedulerRecorder node({.cpus = 4, .workers_max = 1});
  node.Submit(Task(1));
  node.StartNext(WorkerNumber(1));
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok());
  node.Submit(Task(2).Driver(2));
  EXPECT_EQ(node.Turn(), Lines({"ended t1", "stop w1"}));
  EXPECT_EQ(node.Turn(), Lines());
  node.Gone(WorkerNumber(1));
  EXPECT_EQ(node.Turn(), Lines({"start 2"}));
}

TEST(Dispatcher, IdleWorkersBeyondThePrestartedOnesEnd) {
  SchedulerRecorder node({.cpus = 2, .prestart = 1});
  node.StartAll();
  node.Submit(1, 2);
  node.Turn();
  node.Started(WorkerNumber(2));
  node.Turn();
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_TRUE(node.Finished(WorkerNumber(2), 2, 0).ok());
  node.Advance(50);
  EXPECT_EQ(node.Turn(), Lines({"ended t1", "ended t2"}));
  EXPECT_EQ(node.core().NextTickMs(), 50 + limits::kIdleWorkerMs);
  node.Advance(limits::kIdleWorkerMs - 1);
  EXPECT_EQ(node.Turn(), Lines());
  node.Advance(1);
  EXPECT_EQ(node.Turn(), Lines({"stop w1"}));
  EXPECT_FALSE(node.core().NextTickMs().has_value());
  node.Gone(WorkerNumber(1));
  node.Advance(10 * limits::kIdleWorkerMs);
  EXPECT_EQ(node.Turn(), Lines());
}

TEST(Dispatcher, TasksFailWhenWorkersCannotStart) {
  SchedulerRecorder node({.cpus = 2});
  node.Submit(Task(1));
  EXPECT_EQ(node.Turn(), Lines({"start 1"}));
  node.StartFailed(WorkerNumber(1));
  EXPECT_EQ(node.Turn(), Lines());
  EXPECT_EQ(node.core().NextTickMs(), StartBackoff::kFirstWaitMs);
  node.Advance(1000);
  EXPECT_EQ(node.Turn(), Lines({"start 2"}));
  node.StartFailed(WorkerNumber(2));
  EXPECT_EQ(node.Turn(), Lines());
  node.Advance(2000);
  EXPECT_EQ(node.Turn(), Lines({"start 3"}));
  node.StartFailed(WorkerNumber(3), "ModuleNotFoundError: numpy");
  EXPECT_EQ(node.Turn(), Lines({"fail t1 code 6", "ended t1 by system"}));
  EXPECT_NE(node.texts().find("ModuleNotFoundError: numpy"), std::string::npos) << node.texts();
}

// As many starts as it takes for tasks to fail, each of one worker, the first one `worker`; returns
// the next one.
WorkerNumber FailStarts(SchedulerRecorder& node, WorkerNumber worker) {
  for (int round = 1; round <= StartBackoff::kFailedRoundsMax; ++round) {
    node.Advance(StartBackoff::kWaitMsMax);
    EXPECT_EQ(node.Turn(), Lines({"start " + worker.ToString()}));
    node.StartFailed(worker);
    ++worker;
    if (round == StartBackoff::kFailedRoundsMax) break;
    EXPECT_EQ(node.Turn(), Lines());
  }
  return worker;
}

TEST(Dispatcher, ATaskWaitsForTheNextAttemptHoweverManyHaveFailed) {
  SchedulerRecorder node({.cpus = 2});
  node.Submit(Task(1));
  WorkerNumber worker = FailStarts(node, WorkerNumber(1));
  EXPECT_EQ(node.Turn(), Lines({"fail t1 code 6", "ended t1 by system"}));
  for (uint64_t task = 2; task < 20; ++task) {
    node.Submit(Task(task));
    EXPECT_EQ(node.Turn(), Lines());
    EXPECT_EQ(node.core().NextTickMs(), node.now_ms() + StartBackoff::kWaitMsMax);
    node.Advance(StartBackoff::kWaitMsMax);
    EXPECT_EQ(node.Turn(), Lines({"start " + worker.ToString()}));
    node.StartFailed(worker);
    ++worker;
    const std::string name = "t" + std::to_string(task);
    EXPECT_EQ(node.Turn(), Lines({"fail " + name + " code 6", "ended " + name + " by system"}));
  }
  node.Advance(StartBackoff::kWaitMsMax);
  node.Submit(Task(20));
  EXPECT_EQ(node.Turn(), Lines({"start " + worker.ToString()})) << "one is due";
  node.Started(worker);
  EXPECT_EQ(node.Turn(), Lines({"t20 to w" + worker.ToString() + " as 0"}));
}

TEST(Dispatcher, WorkersThatNobodyWaitsForAreTriedLessAndLessOften) {
  SchedulerRecorder node({.cpus = 2, .prestart = 2});
  EXPECT_EQ(node.Turn(), Lines({"start 1", "start 2"}));
  node.StartFailed(WorkerNumber(1));
  node.StartFailed(WorkerNumber(2));
  WorkerNumber worker(3);
  for (const int64_t wait_ms : {500, 1000, 2000, 4000, 8000, 16000, 32000, 60000}) {
    EXPECT_EQ(node.Turn(), Lines());
    EXPECT_EQ(node.core().NextTickMs(), node.now_ms() + wait_ms);
    node.Advance(wait_ms);
    EXPECT_EQ(node.Turn(), Lines({"start " + worker.ToString()}));
    node.StartFailed(worker);
    ++worker;
  }
  EXPECT_EQ(node.Turn(), Lines());
  node.Submit(Task(1));
  node.Advance(StartBackoff::kWaitMsMax);
  EXPECT_EQ(node.Turn(), Lines({"start " + worker.ToString()})) << "now somebody waits";
}

TEST(Dispatcher, TheEndOfAWorkerIsReasonToTryAtOnce) {
  SchedulerRecorder node({.cpus = 2, .prestart = 1, .pipeline = false});
  node.StartAll();
  node.Submit(1, 2);
  EXPECT_EQ(node.Turn(), Lines({"t1 to w1 as 0", "start 2"}));
  node.StartFailed(WorkerNumber(2));
  EXPECT_EQ(node.Turn(), Lines());
  node.Gone(WorkerNumber(1), 1);
  EXPECT_EQ(node.Turn(), Lines({"start 3", "start 4"}));
}

TEST(Dispatcher, WhatLacksMoreThanAWorkerDoesNotFailWithThoseThatLackOne) {
  SchedulerRecorder node({.cpus = 1});
  node.Submit(Task(1).Creation().Cpus(1));
  node.StartNext(WorkerNumber(1));
  node.Submit(Task(2));
  node.Submit(Task(3).Cpus(0));
  FailStarts(node, WorkerNumber(2));
  EXPECT_EQ(node.Turn(), Lines({"fail t3 code 6", "ended t3 by system"}));
}

TEST(Dispatcher, TasksDoNotFailWhileAWorkerOfTheirDriverIsThere) {
  SchedulerRecorder node({.cpus = 2, .prestart = 1});
  node.StartAll();
  node.Submit(1, 2);
  EXPECT_EQ(node.Turn(), Lines({"t1 to w1 as 0", "start 2"}));
  WorkerNumber worker(2);
  for (const int64_t wait_ms : {1000, 2000, 4000}) {
    node.StartFailed(worker);
    ++worker;
    node.Turn();
    node.Advance(wait_ms);
    node.Turn();
  }
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_EQ(node.core().RunningTask(WorkerNumber(1))->id, TaskNumber(2))
      << "prefetched, for want of a worker";
}

TEST(Dispatcher, AWorkerThatHasHadItsNumbersEnds) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1, .tasks_per_worker_max = 2});
  node.StartAll();
  node.Submit(1, 3);
  EXPECT_EQ(node.Turn(), Lines({"t1 to w1 as 0", "t2 to w1 as 1"}));
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 2, 1).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t1", "stop w1", "ended t2", "start 2"}));
}

// --- GPUs ---

TEST(DispatcherGpus, ATaskForWhichNoGpuHasRoomWaitsAndOthersGoBy) {
  SchedulerRecorder node({.cpus = 8, .prestart = 4, .more = {{"GPU", Amount(2)}}});
  node.StartAll();
  node.Submit(Task(1).Needs("GPU", Amount(0.6)));
  node.Submit(Task(2).Needs("GPU", Amount(0.7)));
  node.Submit(Task(3).Needs("GPU", Amount(0.5)));
  node.Submit(Task(4).Needs("GPU", Amount(0.4)));
  EXPECT_EQ(node.Turn(),
            Lines({"t1 to w4 as 0, GPU 0", "t2 to w3 as 0, GPU 1", "t4 to w2 as 0, GPU 0"}));
  const std::string why = node.core().reports().Explain(TaskNumber(3));
  EXPECT_NE(why.find("needs 0.5 GPU, 0.3 of 2 free: held by tasks f1"), std::string::npos) << why;
  EXPECT_NE(why.find("f2"), std::string::npos) << why;
  EXPECT_TRUE(node.Finished(WorkerNumber(3), 2, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"stop w3", "ended t2", "t3 to w1 as 0, GPU 1", "start 5"}));
}

TEST(DispatcherGpus, WholeGpusAreGivenByIndex) {
  SchedulerRecorder node({.cpus = 8, .prestart = 2, .more = {{"GPU", Amount(3)}}});
  node.StartAll();
  node.Submit(Task(1).Needs("GPU", Amount(0.1)));
  node.Submit(Task(2).Needs("GPU", Amount(2)));
  EXPECT_EQ(node.Turn(), Lines({"t1 to w2 as 0, GPU 0", "t2 to w1 as 0, GPU 1 2"}));
  node.Submit(Task(3).Needs("GPU", Amount(1.5)));
  EXPECT_EQ(node.Turn(), Lines({"fail t3 code 2", "ended t3 by system"}));
  EXPECT_NE(node.texts().find("whole number"), std::string::npos) << node.texts();
}

TEST(DispatcherGpus, AnActorsCallsHaveItsGpus) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1, .more = {{"GPU", Amount(1)}}});
  node.StartAll();
  node.Submit(Task(1).Creation().Needs("GPU", Amount(1)));
  EXPECT_EQ(node.Turn(), Lines({"t1 is pending", "t1 to w1 as 0, GPU 0", "start 2"}));
  node.Submit(Task(2).CallOf(1));
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"t1 is alive", "t2 to w1 as 1, GPU 0"}));
  node.Submit(Task(3).Creation().Needs("GPU", Amount(0.5)));
  EXPECT_EQ(node.Turn(), Lines({"t3 is pending"}));
  node.Killed(1);
  node.Turn();
  node.Gone(WorkerNumber(1), 2);
  EXPECT_EQ(node.Turn(), Lines({"fail t2 code 7", "ended t2 by system", "ended t1"}));
  node.Started(WorkerNumber(2));
  EXPECT_EQ(node.Turn(), Lines({"t3 to w2 as 0, GPU 0", "start 3"}));
}

// --- priorities ---

TEST(DispatcherPriority, HigherRunsFirst) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1, .pipeline = false});
  node.StartAll();
  node.Submit(Task(1));
  node.Submit(Task(2).Priority(-1));
  node.Submit(Task(3).Priority(5));
  EXPECT_EQ(node.Turn(), Lines({"t3 to w1 as 0"}));
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 3, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t3", "t1 to w1 as 1"}));
}

TEST(DispatcherPriority, PrefetchedTasksOfALowerOneGiveWay) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1});
  node.StartAll();
  node.Submit(1, 3);
  EXPECT_EQ(node.Turn(), Lines({"t1 to w1 as 0", "t2 to w1 as 1", "t3 to w1 as 2"}));
  node.Submit(Task(4).Priority(1));
  EXPECT_EQ(node.Turn(), Lines({"revoke w1"}));
  node.Revoked(WorkerNumber(1), 1);
  EXPECT_EQ(node.Turn(), Lines());
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t1", "t4 to w1 as 3"}));
}

}  // namespace
}  // namespace rayx::scheduler
