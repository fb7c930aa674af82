#include "scheduler/transitions/assignment.h"

#include <gtest/gtest.h>

#include "scheduler/state/sanity_check.h"
#include "testing/task_builder.h"

namespace rayx::scheduler {
namespace {

using testing::Task;

SchedulerOptions TwoCpus() {
  SchedulerOptions options;
  options.total.Set(kCpu, ResourceAmount::Of(2));
  return options;
}

class AssignmentTest : public ::testing::Test {
 protected:
  TaskEntry& Ready(uint64_t number) {
    TaskSpec spec = Task(number).Build();
    TaskEntry& task = state_.tasks[spec.id];
    task.spec = std::move(spec);
    task.scheduling_class = state_.queue.FindClass(task.spec.driver, task.spec.resources);
    ++task.scheduling_class->task_count;
    task.arrival = number;
    task.MoveTo(scheduler::Ready{});
    return task;
  }
  WorkerEntry& Idle() {
    WorkerEntry& worker = state_.pool.Add();
    state_.pool.Move(worker, WorkerState::kIdle);
    return worker;
  }
  // What was taken from a worker is put back, so that the whole adds up.
  void PutBack(const std::vector<TaskEntry*>& tasks) {
    for (TaskEntry* task : tasks) {
      task->MoveTo(scheduler::Ready{});
      state_.queue.PutBack(*task);
    }
    CheckSanity(state_);
  }
  int64_t free_cpu() const { return state_.ledger.available()[0] / ResourceAmount::kUnitsPerOne; }

  SchedulerState state_{TwoCpus()};
};

TEST_F(AssignmentTest, OnlyTheRunningTaskIsCharged) {
  WorkerEntry& worker = Idle();
  Assign(state_, worker, Ready(1), 0);
  Assign(state_, worker, Ready(2), 0);
  CheckSanity(state_);
  EXPECT_EQ(free_cpu(), 1);
  EXPECT_EQ(worker.prefetched(), 1u);
  TaskEntry* first = TakeFinished(state_, worker);
  EXPECT_EQ(first->spec.id, testing::TaskNumber(1));
  EXPECT_EQ(free_cpu(), 1) << "inherited";
  EXPECT_EQ(worker.state, WorkerState::kBusy);
  TaskEntry* second = TakeFinished(state_, worker);
  EXPECT_EQ(free_cpu(), 2);
  EXPECT_EQ(worker.state, WorkerState::kIdle);
  PutBack({first, second});
}

TEST_F(AssignmentTest, NothingBegunLeavesAnIdleWorker) {
  WorkerEntry& worker = Idle();
  for (uint64_t number = 1; number <= 3; ++number) Assign(state_, worker, Ready(number), 0);
  PutBack(TakeNotBegun(state_, worker, 2));
  EXPECT_EQ(worker.held.size(), 2u);
  PutBack(TakeNotBegun(state_, worker, 0));
  EXPECT_EQ(worker.state, WorkerState::kIdle);
  EXPECT_EQ(free_cpu(), 2);
  EXPECT_EQ(worker.next_sequence, 3u);
  EXPECT_TRUE(TakeNotBegun(state_, worker, 0).empty());
}

TEST_F(AssignmentTest, BlockingRevokesThePrefetchedOnce) {
  WorkerEntry& worker = Idle();
  Assign(state_, worker, Ready(1), 0);
  Assign(state_, worker, Ready(2), 0);
  state_.outbox.clear();
  BlockWorker(state_, worker);
  CheckSanity(state_);
  EXPECT_EQ(free_cpu(), 2);
  ASSERT_EQ(state_.outbox.size(), 1u);
  EXPECT_EQ(std::get<RevokeTasks>(state_.outbox[0]).worker, worker.number);
  UnblockWorker(state_, worker);
  BlockWorker(state_, worker);
  CheckSanity(state_);
  EXPECT_EQ(state_.outbox.size(), 1u) << "the first revocation has not been answered";
}

TEST_F(AssignmentTest, AnEndingWorkerKeepsItsBooksUntilItIsGone) {
  WorkerEntry& worker = Idle();
  Assign(state_, worker, Ready(1), 0);
  BlockWorker(state_, worker);
  EndWorker(state_, worker, true);
  CheckSanity(state_);
  EXPECT_EQ(free_cpu(), 2);
  const std::vector<HeldTask> held = RemoveWorker(state_, worker);
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(free_cpu(), 2);
  PutBack({held[0].task});
}

}  // namespace
}  // namespace rayx::scheduler
