#include "scheduler/queues/waiting_heads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "scheduler/queues/ready_queue.h"
#include "testing/task_builder.h"

namespace rayx::scheduler {
namespace {

// Node of 2 CPUs and a GPU. Tasks get arrival numbers 1, 2, … as they are pushed.
class WaitingHeadsTest : public ::testing::Test {
 protected:
  SchedulingClass& Push(int64_t cpus, int64_t gpus) {
    TaskEntry& task = tasks_.emplace_back();
    task.scheduling_class =
        queue_.FindClass(testing::DriverNumber(1),
                         {{"CPU", ResourceAmount::Of(cpus)}, {"GPU", ResourceAmount::Of(gpus)}});
    task.MoveTo(Ready{});
    queue_.Push(task);
    return *task.scheduling_class;
  }
  // A later task of this shape is given out.
  void Give(int64_t cpus, int64_t gpus) {
    SchedulingClass& scheduling_class = Push(cpus, gpus);
    const TaskEntry* task = queue_.Pop(scheduling_class);
    heads_.OnGiven(*task);
    heads_.SanityCheck();
  }
  bool IsStarved(const SchedulingClass& scheduling_class, int64_t now_ms) {
    const std::vector<SchedulingClass*> starved = heads_.Starved(now_ms, ledger_);
    return std::find(starved.begin(), starved.end(), &scheduling_class) != starved.end();
  }

  const ResourceSet total_{{"CPU", ResourceAmount::Of(2)}, {"GPU", ResourceAmount::Of(1)}};
  ShapeTable shapes_{total_};
  ReadyQueue queue_{shapes_};
  ResourceLedger ledger_{total_};
  WaitingHeads heads_;
  std::deque<TaskEntry> tasks_;
};

TEST_F(WaitingHeadsTest, AHeadIsStarvedAfterManyHaveGoneBy) {
  SchedulingClass& big = Push(2, 0);
  heads_.Watch(big, {10000, 10000}, 0);
  for (uint32_t i = 0; i < WaitingHeads::kBypassedMax; ++i) Give(1, 0);
  EXPECT_FALSE(IsStarved(big, 0));
  Give(1, 0);
  EXPECT_TRUE(IsStarved(big, 0));
  Amounts free = {10000, 10000};
  WaitingHeads::KeepBack(big, 0, free);
  EXPECT_EQ(free, (Amounts{-10000, 10000}));
}

TEST_F(WaitingHeadsTest, AHeadIsStarvedAfterAWhileIfAnyHasGoneBy) {
  SchedulingClass& big = Push(2, 0);
  heads_.Watch(big, {10000, 10000}, 5);
  EXPECT_FALSE(IsStarved(big, 5 + WaitingHeads::kWaitMs));
  EXPECT_FALSE(heads_.NextMs(5).has_value());
  Give(1, 0);
  EXPECT_EQ(heads_.NextMs(5), 5 + WaitingHeads::kWaitMs);
  EXPECT_FALSE(IsStarved(big, 4 + WaitingHeads::kWaitMs));
  EXPECT_TRUE(IsStarved(big, 5 + WaitingHeads::kWaitMs));
}

TEST_F(WaitingHeadsTest, OnlyWhatItLacksIsKeptBack) {
  SchedulingClass& both = Push(1, 1);
  SchedulingClass& cpu_only = Push(1, 0);
  SchedulingClass& gpu_only = Push(0, 1);
  heads_.Watch(both, {10000, 0}, 0);  // a CPU is free, the GPU is not
  for (int i = 0; i < 1000; ++i) Give(1, 0);
  EXPECT_FALSE(IsStarved(both, 100000)) << "nobody took the GPU";
  Give(0, 1);
  EXPECT_TRUE(IsStarved(both, 100000));
  EXPECT_TRUE(WaitingHeads::KeepsFrom(both, gpu_only, 100000));
  EXPECT_FALSE(WaitingHeads::KeepsFrom(both, cpu_only, 100000));
  EXPECT_FALSE(WaitingHeads::KeepsFrom(both, both, 100000));
  Amounts free = {10000, 0};
  WaitingHeads::KeepBack(both, 100000, free);
  EXPECT_EQ(free, (Amounts{10000, -10000}));
}

TEST_F(WaitingHeadsTest, NothingIsKeptForWhatABlockedTaskHolds) {
  SchedulingClass& both = Push(1, 1);
  const Shape& shape = both.shape();
  ledger_.Take(shape);
  heads_.Watch(both, ledger_.available(), 0);
  Give(0, 1);
  EXPECT_TRUE(IsStarved(both, WaitingHeads::kWaitMs));
  ledger_.Block(shape);
  EXPECT_FALSE(IsStarved(both, WaitingHeads::kWaitMs));
}

TEST_F(WaitingHeadsTest, OlderTasksDoNotCountAndItsOwnClassEndsTheWait) {
  SchedulingClass& small = Push(1, 0);
  SchedulingClass& big = Push(2, 0);
  Push(2, 0);
  heads_.Watch(big, {10000, 10000}, 0);
  heads_.OnGiven(*queue_.Pop(small));
  EXPECT_FALSE(IsStarved(big, WaitingHeads::kWaitMs));
  heads_.OnGiven(*queue_.Pop(big));
  EXPECT_EQ(heads_.size(), 0u);
}

TEST_F(WaitingHeadsTest, PrefetchingReachesOnlySoFarPastAWaitingHead) {
  SchedulingClass& big = Push(2, 0);
  SchedulingClass& small = Push(1, 0);
  EXPECT_EQ(heads_.PrefetchArrivalMax(small), UINT64_MAX);
  heads_.Watch(big, {10000, 10000}, 0);
  EXPECT_EQ(heads_.PrefetchArrivalMax(small), big.Head()->arrival + WaitingHeads::kBypassedMax);
  EXPECT_EQ(heads_.PrefetchArrivalMax(big), UINT64_MAX);
  heads_.Forget(big);
  EXPECT_EQ(heads_.PrefetchArrivalMax(small), UINT64_MAX);
}

TEST_F(WaitingHeadsTest, WatchesSoManyAtATime) {
  std::vector<SchedulingClass*> classes;
  for (uint64_t driver = 1; driver <= WaitingHeads::kWatchedMax + 3; ++driver) {
    TaskEntry& task = tasks_.emplace_back();
    task.scheduling_class =
        queue_.FindClass(testing::DriverNumber(driver), {{"CPU", ResourceAmount::Of(2)}});
    task.MoveTo(Ready{});
    queue_.Push(task);
    classes.push_back(task.scheduling_class);
    heads_.Watch(*task.scheduling_class, {0, 0}, 0);
  }
  EXPECT_EQ(heads_.size(), WaitingHeads::kWatchedMax);
  heads_.Forget(*classes[0]);
  heads_.Watch(*classes.back(), {0, 0}, 0);
  EXPECT_EQ(heads_.size(), WaitingHeads::kWatchedMax);
  EXPECT_TRUE(classes.back()->wait.watched);
}

}  // namespace
}  // namespace rayx::scheduler
