#include "scheduler/explanations/scheduler_reports.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "scheduler/scheduler_recorder.h"

namespace rayx::scheduler {
namespace {

std::vector<TaskId> Sorted(std::vector<TaskId> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST(SchedulerReports, TasksAreListedUntilTheyEnd) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1});
  node.StartAll();
  EXPECT_TRUE(node.core().reports().TaskIds().empty());
  node.Submit(Task(1));
  node.Submit(Task(2).DependsOn(ResultOf(9)), {ResultOf(9)});
  node.Turn();
  EXPECT_EQ(Sorted(node.core().reports().TaskIds()),
            std::vector<TaskId>({TaskNumber(1), TaskNumber(2)}));
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok());
  EXPECT_EQ(node.core().reports().TaskIds(), std::vector<TaskId>({TaskNumber(2)}));
}

TEST(SchedulerReports, AnActorIsOneOfTheActorsAndItsCreationATask) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1});
  node.StartAll();
  node.Submit(Task(1).Creation(1).Cpus(1));
  node.Submit(Task(2).CallOf(1));
  node.Turn();
  EXPECT_EQ(node.core().reports().ActorIds(), std::vector<TaskId>({TaskNumber(1)}));
  EXPECT_EQ(Sorted(node.core().reports().TaskIds()),
            std::vector<TaskId>({TaskNumber(1), TaskNumber(2)}));
}

TEST(SchedulerReports, WhyATaskDoesNotRunIsToldInWords) {
  SchedulerRecorder node({.cpus = 1});
  node.Submit(Task(1).DependsOn(ResultOf(9)), {ResultOf(9)});
  EXPECT_NE(node.core().reports().Explain(TaskNumber(1)).find("waits for 1 object"),
            std::string::npos);
  EXPECT_NE(node.core().reports().DebugText(5), "");
}

}  // namespace
}  // namespace rayx::scheduler
