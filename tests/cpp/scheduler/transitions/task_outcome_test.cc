// How tasks end: the words of failures, and the table of tasks.

#include "scheduler/transitions/task_outcome.h"

#include <gtest/gtest.h>

#include "scheduler/scheduler_recorder.h"

namespace rayx::scheduler {
namespace {

TEST(TaskOutcome, AnInfeasibleTaskIsToldWhatItAskedAndWhatThereIs) {
  SchedulerRecorder node({.cpus = 2});
  node.Submit(Task(7).Cpus(100));
  node.Turn();
  for (const char* part : {"f7", "{CPU: 100}", "{CPU: 2}", "node-a", "Ask for less"}) {
    EXPECT_NE(node.texts().find(part), std::string::npos) << part << " in " << node.texts();
  }
}

TEST(TaskOutcome, ACrashNamesTaskAttemptsNodeAndEnd) {
  SchedulerRecorder node({.cpus = 1});
  node.Submit(Task(7).Retries(1));
  for (WorkerNumber worker(1); worker <= WorkerNumber(2); ++worker) {
    node.StartNext(worker);
    node.Gone(worker, 1, "worker pid 4711 was killed by signal 9 (SIGKILL)");
  }
  EXPECT_EQ(node.Turn(), Lines({"fail t7 code 1", "ended t7 by system"}));
  for (const char* part : {"f7", "07000000000000000000000000000000", "2 times", "node-a",
                           "max_retries=1", "pid 4711", "SIGKILL"}) {
    EXPECT_NE(node.texts().find(part), std::string::npos) << part << " in " << node.texts();
  }
}

TEST(TaskOutcome, RetriesMayBeForbiddenOrUnbounded) {
  SchedulerRecorder never({.cpus = 1});
  never.Submit(Task(1).Retries(0));
  never.StartNext(WorkerNumber(1));
  never.Gone(WorkerNumber(1), 1);
  EXPECT_EQ(never.Turn(), Lines({"fail t1 code 1", "ended t1 by system"}));
  EXPECT_NE(never.texts().find("begun once"), std::string::npos) << never.texts();
  EXPECT_NE(never.texts().find("and its worker died (max_retries=0): "), std::string::npos)
      << never.texts();

  SchedulerRecorder ever({.cpus = 1});
  ever.Submit(Task(1).Retries(-1));
  for (WorkerNumber worker(1); worker <= WorkerNumber(50); ++worker) {
    ever.StartNext(worker);
    ever.Gone(worker, 1);
  }
  EXPECT_EQ(ever.Turn(), Lines({"start 51"}));
}

TEST(TaskOutcome, AStreamIsTriedAgainUntilItHasItems) {
  SchedulerRecorder node({.cpus = 1});
  node.Submit(Task(1).Retries(-1).Stream(4));
  node.StartNext(WorkerNumber(1));
  node.Gone(WorkerNumber(1), 1);
  node.StartNext(WorkerNumber(2));
  node.core().OnItemMade(TaskNumber(1));
  node.core().OnItemMade(TaskNumber(99));
  node.Gone(WorkerNumber(2), 1, "worker pid 4711 was killed by signal 9 (SIGKILL)");
  EXPECT_EQ(node.Turn(), Lines({"fail t1 code 1", "ended t1 by system"}));
  for (const char* part : {"f1", "had yielded items", "node-a", "pid 4711", "SIGKILL"}) {
    EXPECT_NE(node.texts().find(part), std::string::npos) << part << " in " << node.texts();
  }
}

TEST(TaskOutcome, ATaskThatHasStoredAllResultsIsOverWhenItsWorkerGoes) {
  SchedulerRecorder node({.cpus = 1});
  node.Submit(Task(1).Retries(-1).Returns(2));
  node.StartNext(WorkerNumber(1));
  node.core().OnResultMade(TaskNumber(1));
  node.core().OnResultMade(TaskNumber(99));
  node.Gone(WorkerNumber(1), 1);
  node.StartNext(WorkerNumber(2));  // one result is missing
  node.core().OnResultMade(TaskNumber(1));
  node.Gone(WorkerNumber(2), 1);
  node.StartNext(WorkerNumber(3));  // what an earlier attempt has stored does not count
  node.core().OnResultMade(TaskNumber(1));
  node.core().OnResultMade(TaskNumber(1));
  node.Gone(WorkerNumber(3), 1);
  EXPECT_EQ(node.Turn(), Lines({"fail t1 code 1 unless it has its results", "ended t1"}));
}

TEST(TaskOutcome, ATaskThatHadNotBegunLosesNoAttempt) {
  SchedulerRecorder node({.cpus = 1});
  node.Submit(Task(1).Retries(0));
  for (WorkerNumber worker(1); worker <= WorkerNumber(5); ++worker) {
    node.StartNext(worker);
    node.Gone(worker, 0);
  }
  EXPECT_EQ(node.Turn(), Lines({"start 6"}));
  EXPECT_EQ(node.core().Stats().tasks_retried, 0u);
}

TEST(TaskOutcome, AFailureCarriesWhatIsNeededToTellOfIt) {
  SchedulerRecorder node({.cpus = 1});
  node.Submit(Task(1).Cpus(2).Returns(3).Driver(4));
  node.core().Schedule(0);
  const std::vector<Effect> effects = node.core().TakeEffects();
  const FailTask& failure = std::get<FailTask>(effects.at(0));
  EXPECT_EQ(failure.return_count, 3u);
  EXPECT_EQ(failure.driver, DriverNumber(4));
  EXPECT_EQ(failure.name, "f1");
  EXPECT_EQ(failure.code, SystemErrorCode::kInfeasible);
}

TEST(TaskOutcome, ATableThatWasFullGivesItsMemoryBack) {
  SchedulerState state([] {
    SchedulerOptions options;
    options.total.Set(kCpu, ResourceAmount::Of(1));
    return options;
  }());
  SchedulingClass* scheduling_class = nullptr;
  for (uint64_t number = 1; number <= 100000; ++number) {
    TaskSpec spec = Task(number).Build();
    TaskEntry& task = state.tasks[spec.id];
    task.spec = std::move(spec);
    scheduling_class = state.queue.FindClass(task.spec.driver, task.spec.resources);
    task.scheduling_class = scheduling_class;
    ++scheduling_class->task_count;
  }
  for (uint64_t number = 1; number <= 100000; ++number) {
    EndTask(state, state.tasks.at(TaskNumber(number)), false);
  }
  EXPECT_EQ(scheduling_class->task_count, 0u);
  EXPECT_EQ(state.outbox.size(), 100000u);
  EXPECT_LT(state.tasks.bucket_count(), 10000u);
}

}  // namespace
}  // namespace rayx::scheduler
