#include "scheduler/tables/worker_pool.h"

#include <gtest/gtest.h>

#include "testing/task_builder.h"

namespace rayx::scheduler {
namespace {

using testing::DriverNumber;

WorkerPool::Options Sizes(size_t prestart, size_t workers_max, size_t cpus) {
  WorkerPool::Options options;
  options.prestart = prestart;
  options.workers_max = workers_max;
  options.cpus = cpus;
  return options;
}

WorkerEntry& AddIdle(WorkerPool& pool, uint64_t driver = 0) {
  WorkerEntry& worker = pool.Add();
  pool.Move(worker, WorkerState::kIdle);
  if (driver != 0) pool.Bind(worker, DriverNumber(driver));
  pool.SanityCheck();
  return worker;
}

TEST(WorkerPool, PrefersWorkersOfTheDriverThenUnboundOnes) {
  WorkerPool pool(Sizes(0, 10, 2));
  WorkerEntry& of_one = AddIdle(pool, 1);
  WorkerEntry& of_nobody = AddIdle(pool);
  EXPECT_EQ(pool.FindIdle(DriverNumber(1)), &of_one);
  EXPECT_EQ(pool.FindIdle(DriverNumber(2)), &of_nobody);
  pool.Bind(of_nobody, DriverNumber(1));
  EXPECT_EQ(pool.FindIdle(DriverNumber(2)), nullptr);
  EXPECT_EQ(pool.FindIdle(DriverNumber(1)), &of_nobody) << "last in, first out";
  EXPECT_EQ(pool.BoundTo(DriverNumber(1)).size(), 2u);
}

TEST(WorkerPool, StartsAreBoundedByTheBatchAndByTheRoom) {
  WorkerPool pool(Sizes(4, 10, 2));
  EXPECT_EQ(pool.StartsAllowed(0), limits::kWorkerStartsMax);
  EXPECT_EQ(pool.PrestartMissing(), 4u);
  for (int i = 0; i < 5; ++i) pool.Add();
  EXPECT_EQ(pool.StartsAllowed(0), limits::kWorkerStartsMax - 5);
  EXPECT_EQ(pool.PrestartMissing(), 0u);
  for (int i = 0; i < 4; ++i) AddIdle(pool);
  EXPECT_EQ(pool.StartsAllowed(0), 1u);
  EXPECT_FALSE(pool.full());
}

TEST(WorkerPool, WhileManyAreBlockedStartsWaitForEachOther) {
  WorkerPool pool(Sizes(0, 100, 2));
  pool.OnStart(0);
  for (size_t i = 0; i < limits::kBlockedWorkersFree; ++i) {
    EXPECT_EQ(pool.StartsAllowed(0), limits::kWorkerStartsMax);
    WorkerEntry& worker = AddIdle(pool, 1);
    pool.Move(worker, WorkerState::kBusy);
    pool.Move(worker, WorkerState::kBlocked);
  }
  pool.StampIdle(100);
  EXPECT_EQ(pool.StartsAllowed(100), 1u) << "nobody runs";
  WorkerEntry& next = pool.Add();
  pool.OnStart(100);
  EXPECT_EQ(pool.StartsAllowed(100 + limits::kNestedStartMs), 0u) << "it comes soon";
  EXPECT_EQ(pool.NextStartMs(100), std::nullopt);
  pool.Move(next, WorkerState::kIdle);
  pool.StampIdle(105);
  pool.Bind(next, DriverNumber(1));
  pool.Move(next, WorkerState::kBusy);
  const int64_t end_ms = 105 + limits::kNestedStartMs;
  EXPECT_EQ(pool.StartsAllowed(end_ms - 1), 0u) << "it may end soon";
  EXPECT_EQ(pool.NextStartMs(end_ms - 1), end_ms);
  EXPECT_EQ(pool.StartsAllowed(end_ms), 1u) << "it does not";
  EXPECT_EQ(pool.NextStartMs(end_ms), std::nullopt);
  pool.Move(next, WorkerState::kBlocked);
  EXPECT_EQ(pool.StartsAllowed(106), 1u) << "nobody runs again";
}

TEST(WorkerPool, SurplusWorkersEndAfterAWhileTheLongestIdleFirst) {
  WorkerPool pool(Sizes(1, 10, 2));
  WorkerEntry& a = AddIdle(pool, 1);
  pool.StampIdle(100);
  AddIdle(pool);
  pool.StampIdle(200);
  WorkerEntry& c = AddIdle(pool, 2);
  pool.StampIdle(300);
  EXPECT_EQ(pool.LongestIdleBound(), &a);
  EXPECT_EQ(pool.NextIdleEndMs(), 100 + limits::kIdleWorkerMs);
  EXPECT_TRUE(pool.TooLongIdle(99 + limits::kIdleWorkerMs).empty());
  EXPECT_EQ(pool.TooLongIdle(100 + limits::kIdleWorkerMs), std::vector<WorkerEntry*>{&a});
  EXPECT_EQ(pool.TooLongIdle(300 + limits::kIdleWorkerMs).size(), 2u) << "one is kept";
  pool.Move(a, WorkerState::kBusy);
  pool.Move(a, WorkerState::kBlocked);
  EXPECT_EQ(pool.TooLongIdle(300 + limits::kIdleWorkerMs).size(), 1u)
      << "blocked ones do not count";
  pool.Remove(c);
  pool.SanityCheck();
  EXPECT_FALSE(pool.NextIdleEndMs().has_value());
}

TEST(WorkerPool, BlockedWorkersAreOfNoUse) {
  WorkerPool pool(Sizes(0, 10, 2));
  WorkerEntry& worker = AddIdle(pool, 1);
  EXPECT_TRUE(pool.HasUsable(DriverNumber(1)));
  EXPECT_FALSE(pool.HasUsable(DriverNumber(2)));
  pool.Move(worker, WorkerState::kBusy);
  EXPECT_TRUE(pool.HasUsable(DriverNumber(1)));
  pool.Move(worker, WorkerState::kBlocked);
  EXPECT_FALSE(pool.HasUsable(DriverNumber(1)));
  EXPECT_EQ(pool.active(), 0u);
  pool.Add();
  EXPECT_TRUE(pool.HasUsable(DriverNumber(1)));
  pool.Remove(worker);
  EXPECT_FALSE(pool.HasBoundTo(DriverNumber(1)));
  pool.SanityCheck();
}

TEST(WorkerPoolDeathTest, AMoveThatIsNotInTheTableEndsTheProcess) {
  WorkerPool pool(Sizes(0, 10, 2));
  WorkerEntry& worker = pool.Add();
  EXPECT_DEATH(pool.Move(worker, WorkerState::kBusy), "Starting");
}

TEST(WorkerPool, WhetherAllThatDoSomethingHavePrefetchedTasks) {
  WorkerPool pool(Sizes(0, 10, 2));
  EXPECT_FALSE(pool.AllHavePrefetched(0)) << "nobody does anything";
  WorkerEntry& first = AddIdle(pool, 1);
  WorkerEntry& second = AddIdle(pool, 1);
  pool.Move(first, WorkerState::kBusy);
  first.held.resize(1 + 3);
  EXPECT_TRUE(pool.AllHavePrefetched(3));
  EXPECT_FALSE(pool.AllHavePrefetched(4));
  pool.Move(second, WorkerState::kBusy);
  second.held.resize(1);
  EXPECT_FALSE(pool.AllHavePrefetched(3)) << "the second will wait soon";
  pool.Move(second, WorkerState::kBlocked);
  EXPECT_TRUE(pool.AllHavePrefetched(3)) << "it waits already, not for us";
  pool.Add();
  EXPECT_FALSE(pool.AllHavePrefetched(3)) << "one that starts wants its first task";
  first.held.clear();
  second.held.clear();
}

TEST(WorkerPool, AnActorThatRunsNoCallHasNothingPrefetchedAndWaitsForNothing) {
  WorkerPool pool(Sizes(0, 10, 2));
  WorkerEntry& actor = AddIdle(pool, 1);
  pool.Move(actor, WorkerState::kBusy);
  actor.held.resize(1);  // its creation
  pool.GiveToActor(actor);
  EXPECT_FALSE(pool.AllHavePrefetched(1));
  actor.held.resize(1 + 2);
  EXPECT_TRUE(pool.AllHavePrefetched(2));
  EXPECT_FALSE(pool.AllHavePrefetched(3));
  actor.held.clear();
}

}  // namespace
}  // namespace rayx::scheduler
