#include "scheduler/spreading.h"

#include <gtest/gtest.h>

#include "scheduler/scheduler_recorder.h"

namespace rayx::scheduler {
namespace {

std::vector<uint64_t> NumbersOf(const std::vector<TaskSpec>& specs) {
  std::vector<uint64_t> numbers;
  for (const TaskSpec& spec : specs) numbers.push_back(testing::NumberOf(spec.id));
  return numbers;
}

// Two CPUs; both workers have been started. Nothing is prefetched.
class SpreadingTest : public ::testing::Test {
 protected:
  SpreadingTest() : node_({.cpus = 2, .prestart = 2, .pipeline = false}) { node_.StartAll(); }
  Spreading spreading() { return Spreading(&node_.core()); }
  ResourceAmount Load() { return spreading().Load().Get("CPU"); }

  SchedulerRecorder node_;
};

TEST_F(SpreadingTest, WhatIsBeyondTheFreeResourcesIsSurplusAndTheLastGoesFirst) {
  node_.Submit(1, 5);
  EXPECT_EQ(spreading().Surplus(), 3u) << "two fit";
  EXPECT_EQ(NumbersOf(spreading().TakeSurplus(2)), (std::vector<uint64_t>{5, 4}));
  node_.core().SanityCheck();
  EXPECT_EQ(node_.core().FindTask(TaskNumber(5)), nullptr);
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w2 as 0", "t2 to w1 as 0"}));
  EXPECT_EQ(spreading().Surplus(), 1u) << "nothing is free";
  EXPECT_EQ(NumbersOf(spreading().TakeSurplus(9)), (std::vector<uint64_t>{3}));
  EXPECT_EQ(node_.Turn(), Lines());
}

TEST_F(SpreadingTest, ATaskThatWasTakenMayComeBack) {
  node_.Submit(1, 3);
  std::vector<TaskSpec> taken = spreading().TakeSurplus(1);
  ASSERT_EQ(taken.size(), 1u);
  spreading().OnPlaced(std::move(taken[0]), {});
  node_.core().SanityCheck();
  EXPECT_EQ(spreading().Surplus(), 0u) << "it was placed here, and stays";
  node_.Turn();
  ASSERT_TRUE(node_.Finished(WorkerNumber(2), 1, 0).ok());
  EXPECT_EQ(node_.Turn(), Lines({"ended t1", "t3 to w2 as 1"}));
}

TEST_F(SpreadingTest, StreamsAndTasksThatWereBegunStay) {
  TaskSpec stream = Task(1).Build();
  stream.options.stream_window = 4;
  node_.Submit(Task(2).Retries(3));
  node_.Submit(Task(3).Retries(3));
  node_.Turn();
  node_.Gone(WorkerNumber(2), /*begun_sequence=*/1);
  node_.core().OnTaskSubmitted(std::move(stream), {});
  node_.Submit(Task(4).Cpus(2));
  // Whatever is free: neither may leave.
  for (const TaskSpec& taken : spreading().TakeSurplus(9)) {
    EXPECT_EQ(testing::NumberOf(taken.id), 4u);
  }
  EXPECT_NE(node_.core().FindTask(TaskNumber(1)), nullptr);
  EXPECT_NE(node_.core().FindTask(TaskNumber(2)), nullptr);
}

TEST_F(SpreadingTest, TheLoadIsWhatOwnTasksHoldAndAskFor) {
  EXPECT_EQ(Load(), Amount(0));
  node_.Submit(1, 3);
  EXPECT_EQ(Load(), Amount(3));
  node_.Turn();
  EXPECT_EQ(Load(), Amount(3)) << "two run, one is ready";
  spreading().OnPlaced(Task(4).Build(), {});
  EXPECT_EQ(Load(), Amount(3)) << "who has placed it knows";
}

TEST_F(SpreadingTest, WhatPlacedTasksGiveBackIsTakenOffTheLoad) {
  spreading().OnPlaced(Task(1).Build(), {});
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w2 as 0"}));
  EXPECT_EQ(Load(), Amount(0));
  ASSERT_TRUE(node_.Blocked(WorkerNumber(2)).ok());
  EXPECT_EQ(Load().units(), -Amount(1).units());
}

TEST_F(SpreadingTest, ATaskThatDoesNotFitFailsThoughItWasPlaced) {
  spreading().OnPlaced(Task(1).Cpus(3).Build(), {});
  EXPECT_EQ(node_.Turn(), Lines({"fail t1 code 2", "ended t1 by system"}));
}

}  // namespace
}  // namespace rayx::scheduler
