// Events: what each of them leads to, and nothing else.

#include "scheduler/local_scheduler.h"

#include <gtest/gtest.h>

#include "scheduler/scheduler_recorder.h"

namespace rayx::scheduler {
namespace {

TEST(LocalScheduler, ATaskWaitsForItsWorkerRunsAndEnds) {
  SchedulerRecorder node;
  EXPECT_EQ(node.Turn(), Lines());
  node.Submit(Task(1));
  EXPECT_EQ(node.Turn(), Lines({"start 1"}));
  EXPECT_EQ(node.Turn(), Lines());
  node.Started(WorkerNumber(1));
  EXPECT_EQ(node.Turn(), Lines({"t1 to w1 as 0"}));
  EXPECT_EQ(node.core().available().ToString(), "{CPU: 1}");
  EXPECT_EQ(node.core().DriverOf(WorkerNumber(1)), DriverNumber(1));
  EXPECT_EQ(node.core().RunningTask(WorkerNumber(1))->id, TaskNumber(1));
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t1"}));
  EXPECT_EQ(node.core().available(), node.core().total());
  EXPECT_EQ(node.core().FindTask(TaskNumber(1)), nullptr);
  EXPECT_EQ(node.core().RunningTask(WorkerNumber(1)), nullptr);
  EXPECT_EQ(node.core().Stats().tasks_finished, 1u);
}

TEST(LocalScheduler, AKnownTaskIsNotTakenTwice) {
  SchedulerRecorder node;
  node.Submit(Task(1));
  node.Submit(Task(1));
  node.Submit(Task(1).Cpus(100));
  EXPECT_EQ(node.core().Stats().tasks_ready, 1u);
  EXPECT_EQ(node.Turn(), Lines({"start 1"}));
}

TEST(LocalScheduler, ATaskWaitsForItsObjects) {
  SchedulerRecorder node({.prestart = 2});
  node.StartAll();
  node.Submit(Task(3).DependsOn(ResultOf(1)).DependsOn(ResultOf(2)), {ResultOf(1), ResultOf(2)});
  EXPECT_EQ(node.core().Stats().tasks_waiting, 1u);
  node.Available(ResultOf(1));
  node.Available(ResultOf(1));
  EXPECT_EQ(node.Turn(), Lines());
  node.Available(ResultOf(2));
  EXPECT_EQ(node.Turn(), Lines({"t3 to w2 as 0"}));
}

TEST(LocalScheduler, WhatCannotEverRunFailsAtOnce) {
  SchedulerRecorder node({.cpus = 2});
  node.Submit(Task(1).Cpus(3));
  node.Submit(Task(2).Needs("GPU", Amount(0.5)));
  EXPECT_EQ(node.Turn(), Lines({"fail t1 code 2", "ended t1 by system", "fail t2 code 2",
                                "ended t2 by system"}));
}

TEST(LocalScheduler, FalseMessagesAreRefusedAndChangeNothing) {
  SchedulerRecorder node({.prestart = 1});
  node.StartAll();
  node.Submit(1, 2);
  EXPECT_EQ(node.Turn(), Lines({"t1 to w1 as 0", "start 2"}));
  EXPECT_EQ(node.Finished(WorkerNumber(9), 1, 0).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(node.Finished(WorkerNumber(1), 2, 0).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(node.Finished(WorkerNumber(1), 1, 1).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(node.Unblocked(WorkerNumber(1)).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(node.Blocked(WorkerNumber(2)).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(node.Blocked(WorkerNumber(9)).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(node.Blocked(WorkerNumber(1)).ok());
  EXPECT_EQ(node.Blocked(WorkerNumber(1)).code(), StatusCode::kInvalidArgument);
  node.Started(WorkerNumber(1));
  node.Started(WorkerNumber(9));
  node.Revoked(WorkerNumber(9), 0);
  node.Gone(WorkerNumber(9));
  EXPECT_EQ(node.Turn(), Lines());
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok())
      << "a blocked task may end: a thread of it is in get";
  EXPECT_EQ(node.Finished(WorkerNumber(1), 1, 0).code(), StatusCode::kInvalidArgument);
}

TEST(LocalScheduler, ABlockedWorkerGivesItsCpuToAnother) {
  SchedulerRecorder node({.cpus = 1});
  node.Submit(Task(1));
  node.StartNext(WorkerNumber(1));
  node.Submit(Task(2), {}, WorkerNumber(1));
  EXPECT_EQ(node.Turn(), Lines({"t2 to w1 as 1"})) << "prefetched";
  EXPECT_TRUE(node.Blocked(WorkerNumber(1)).ok());
  EXPECT_EQ(node.Turn(), Lines({"revoke w1"}));
  node.Revoked(WorkerNumber(1), 1);
  EXPECT_EQ(node.Turn(), Lines({"start 2"}));
  node.Started(WorkerNumber(2));
  EXPECT_EQ(node.Turn(), Lines({"t2 to w2 as 0"}));
  EXPECT_TRUE(node.Unblocked(WorkerNumber(1)).ok());
  EXPECT_EQ(node.core().available().ToString(), "{CPU: -1}");
  node.Submit(Task(3));
  EXPECT_EQ(node.Turn(), Lines()) << "not even prefetched";
  EXPECT_TRUE(node.Finished(WorkerNumber(2), 2, 0).ok());
  EXPECT_EQ(node.Turn(), Lines({"ended t2", "t3 to w1 as 2"}));
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 3, 2).ok());
  EXPECT_EQ(node.core().available(), node.core().total());
}

TEST(LocalScheduler, ABlockedWorkerKeepsWhatIsNotCpu) {
  SchedulerRecorder node({.cpus = 1, .prestart = 2, .more = {{"GPU", Amount(1)}}});
  node.StartAll();
  node.Submit(Task(1).Needs("GPU", Amount(1)));
  node.Submit(Task(2).Needs("GPU", Amount(1)).Cpus(0));
  EXPECT_EQ(node.Turn(), Lines({"t1 to w2 as 0, GPU 0"}));
  EXPECT_TRUE(node.Blocked(WorkerNumber(2)).ok());
  EXPECT_EQ(node.core().available().ToString(), "{CPU: 1}");
  EXPECT_EQ(node.Turn(), Lines());
  EXPECT_TRUE(node.Unblocked(WorkerNumber(2)).ok());
  EXPECT_TRUE(node.Finished(WorkerNumber(2), 1, 0).ok());
  // A process that has used a GPU ends.
  EXPECT_EQ(node.Turn(), Lines({"stop w2", "ended t1", "t2 to w1 as 0, GPU 0", "start 3"}));
}

TEST(LocalScheduler, ADeadWorkersTaskIsTriedAgainBeforeOthers) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1});
  node.StartAll();
  node.Submit(Task(1).Retries(1));
  node.Submit(2, 3);
  EXPECT_EQ(node.Turn(), Lines({"t1 to w1 as 0", "t2 to w1 as 1", "t3 to w1 as 2"}));
  node.Gone(WorkerNumber(1), 1);
  EXPECT_EQ(node.Turn(), Lines({"start 2"}));
  node.Started(WorkerNumber(2));
  EXPECT_EQ(node.Turn(), Lines({"t1 to w2 as 0, attempt 1", "t2 to w2 as 1", "t3 to w2 as 2"}));
  EXPECT_EQ(node.core().Stats().tasks_retried, 1u);
  node.Gone(WorkerNumber(2), 1, "worker pid 7 was killed by signal 9 (SIGKILL)");
  EXPECT_EQ(node.Turn(), Lines({"fail t1 code 1", "ended t1 by system", "start 3"}));
}

TEST(LocalScheduler, ABlockedTaskHasBegunWhateverItsWorkerClaims) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1});
  node.StartAll();
  node.Submit(Task(1).Retries(0));
  node.Turn();
  EXPECT_TRUE(node.Blocked(WorkerNumber(1)).ok());
  node.Revoked(WorkerNumber(1), 0);
  EXPECT_EQ(node.core().RunningTask(WorkerNumber(1))->id, TaskNumber(1));
  node.Gone(WorkerNumber(1), 0);
  EXPECT_EQ(node.Turn(), Lines({"fail t1 code 1", "ended t1 by system", "start 2"}));
  EXPECT_EQ(node.core().available(), node.core().total());
}

TEST(LocalScheduler, IdleWorkersWithSomethingToFinishEndWhenTheirDriverIsAboutToGo) {
  SchedulerRecorder node({.cpus = 3});
  node.Submit(1, 3);
  node.Turn();
  for (WorkerNumber worker(1); worker <= WorkerNumber(3); ++worker) node.Started(worker);
  EXPECT_EQ(node.Turn().size(), 3u);
  // Who runs which does not matter: the first two end.
  for (uint64_t task = 1; task <= 2; ++task) {
    for (WorkerNumber worker(1); worker <= WorkerNumber(3); ++worker) {
      if (node.core().HeldTask(worker, TaskNumber(task)) != nullptr) {
        EXPECT_TRUE(node.Finished(worker, task, 0).ok());
      }
    }
  }
  node.Turn();
  WorkerNumber busy(1);
  while (node.core().HeldTask(busy, TaskNumber(3)) == nullptr) ++busy;
  const WorkerNumber with_work = busy == WorkerNumber(1) ? WorkerNumber(2) : WorkerNumber(1);
  node.DriverEnding(1, {with_work, busy});
  EXPECT_EQ(node.Turn(), Lines({"stop w" + with_work.ToString()}))
      << "one runs a task, and one has nothing to finish";
  EXPECT_EQ(node.core().EndingWorkersOf(DriverNumber(1)), std::vector<WorkerNumber>({with_work}));
}

TEST(LocalScheduler, AGoneDriverTakesItsTasksAndWorkersWithIt) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1});
  node.StartAll();
  node.Submit(Task(1));
  EXPECT_EQ(node.Turn(), Lines({"t1 to w1 as 0"}));
  node.Submit(Task(2).Cpus(0));
  node.Submit(Task(3).DependsOn(ResultOf(9)), {ResultOf(9)});
  node.Submit(Task(4).Driver(2));
  node.DriverGone(1);
  EXPECT_EQ(node.Turn(), Lines({"ended t2 by system", "ended t3 by system", "kill w1", "start 2"}));
  node.Submit(Task(5));
  EXPECT_EQ(node.Turn(), Lines({"ended t5 by system"})) << "its workers may still send";
  EXPECT_TRUE(node.Blocked(WorkerNumber(1)).ok());
  EXPECT_TRUE(node.Unblocked(WorkerNumber(1)).ok());
  node.Started(WorkerNumber(2));
  EXPECT_EQ(node.Turn(), Lines()) << "the CPU is in use until the worker is gone";
  node.Gone(WorkerNumber(1), 1);
  EXPECT_EQ(node.Turn(), Lines({"ended t1 by system", "t4 to w2 as 0"}));
  EXPECT_FALSE(node.core().NextTickMs().has_value());
}

TEST(LocalScheduler, AGoneDriverThatHadNothingIsForgotten) {
  SchedulerRecorder node;
  node.DriverGone(1);
  EXPECT_EQ(node.Turn(), Lines());
  node.Submit(Task(1));
  EXPECT_EQ(node.Turn(), Lines({"start 1"}));
}

TEST(LocalScheduler, ScheduleDoesNothingWhenNothingHappened) {
  SchedulerRecorder node({.prestart = 1});
  node.core().Schedule(0);
  EXPECT_EQ(node.core().TakeEffects().size(), 1u);
  node.core().Schedule(1000000);
  EXPECT_TRUE(node.core().TakeEffects().empty());
}

}  // namespace
}  // namespace rayx::scheduler
