// The check itself must notice: each test breaks one reference.

#include "scheduler/state/sanity_check.h"

#include <gtest/gtest.h>

#include "scheduler/transitions/assignment.h"
#include "testing/task_builder.h"

namespace rayx::scheduler {
namespace {

class SanityCheckDeathTest : public ::testing::Test {
 protected:
  SanityCheckDeathTest() {
    TaskSpec spec = testing::Task(1).Build();
    task_ = &state_.tasks[spec.id];
    task_->spec = std::move(spec);
    task_->scheduling_class = state_.queue.FindClass(task_->spec.driver, task_->spec.resources);
    ++task_->scheduling_class->task_count;
    task_->MoveTo(Ready{});
    worker_ = &state_.pool.Add();
    state_.pool.Move(*worker_, WorkerState::kIdle);
    Assign(state_, *worker_, *task_, 0);
    CheckSanity(state_);
  }
  static SchedulerOptions Options() {
    SchedulerOptions options;
    options.total.Set(kCpu, ResourceAmount::Of(2));
    return options;
  }

  SchedulerState state_{Options()};
  TaskEntry* task_ = nullptr;
  WorkerEntry* worker_ = nullptr;
};

TEST_F(SanityCheckDeathTest, ResourcesThatDoNotAddUp) {
  state_.ledger.Take(task_->scheduling_class->shape());
  EXPECT_DEATH(CheckSanity(state_), "available");
}

TEST_F(SanityCheckDeathTest, ATaskThatNobodyHolds) {
  worker_->held.clear();
  EXPECT_DEATH(CheckSanity(state_), "held");
}

TEST_F(SanityCheckDeathTest, ATaskThatSaysItIsElsewhere) {
  std::get<Assigned>(task_->phase).sequence = 5;
  EXPECT_DEATH(CheckSanity(state_), "sequence");
}

TEST_F(SanityCheckDeathTest, ACountThatIsOff) {
  ++state_.tasks_assigned;
  EXPECT_DEATH(CheckSanity(state_), "tasks_assigned");
}

TEST_F(SanityCheckDeathTest, AGoneDriverThatIsNotForgotten) {
  state_.gone_drivers.insert(testing::DriverNumber(9));
  EXPECT_DEATH(CheckSanity(state_), "HasBoundTo");
}

}  // namespace
}  // namespace rayx::scheduler
