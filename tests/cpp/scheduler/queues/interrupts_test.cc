#include "scheduler/queues/interrupts.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "testing/task_builder.h"

namespace rayx::scheduler {
namespace {

using testing::Task;
using testing::TaskNumber;

class InterruptsTest : public ::testing::Test {
 protected:
  TaskEntry& Add(uint64_t number, uint64_t timeout_ms) {
    TaskEntry& task = tasks_[TaskNumber(number)];
    task.spec = Task(number).Timeout(timeout_ms).Build();
    return task;
  }
  TaskMap tasks_;
  Interrupts interrupts_;
};

TEST_F(InterruptsTest, TimeCountsFromTheStamp) {
  interrupts_.Watch(Add(1, 100));
  interrupts_.Watch(Add(2, 50));
  EXPECT_FALSE(interrupts_.NextMs().has_value());
  interrupts_.Stamp(1000, tasks_);
  EXPECT_EQ(interrupts_.NextMs(), 1050);
  EXPECT_FALSE(interrupts_.HasDue(1049));
  EXPECT_EQ(interrupts_.TakeDue(1050, tasks_), std::vector<TaskEntry*>({&tasks_[TaskNumber(2)]}));
  EXPECT_EQ(interrupts_.NextMs(), 1100);
}

TEST_F(InterruptsTest, AnInterruptedTaskHasItsTimeToStop) {
  TaskEntry& task = Add(1, 100);
  interrupts_.Watch(task);
  interrupts_.Stamp(0, tasks_);
  task.interruption.sent = true;
  interrupts_.Watch(task);
  interrupts_.Stamp(10, tasks_);
  EXPECT_EQ(interrupts_.size(), 1u);
  EXPECT_EQ(interrupts_.NextMs(), 10 + limits::kInterruptGraceMs);
}

TEST_F(InterruptsTest, ForgottenBeforeOrAfterTheStamp) {
  TaskEntry& task = Add(1, 100);
  interrupts_.Watch(task);
  interrupts_.Forget(task);
  interrupts_.Stamp(0, tasks_);
  EXPECT_FALSE(interrupts_.NextMs().has_value());
  interrupts_.Watch(task);
  interrupts_.Stamp(0, tasks_);
  interrupts_.Forget(task);
  EXPECT_FALSE(interrupts_.NextMs().has_value());
}

TEST_F(InterruptsTest, ATimeOutBeyondAllTimesIsNever) {
  interrupts_.Watch(Add(1, ~uint64_t{0}));
  interrupts_.Stamp(1000, tasks_);
  EXPECT_FALSE(interrupts_.HasDue(int64_t{1} << 60));
}

}  // namespace
}  // namespace rayx::scheduler
