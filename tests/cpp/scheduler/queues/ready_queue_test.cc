#include "scheduler/queues/ready_queue.h"

#include <gtest/gtest.h>

#include <deque>

#include "testing/task_builder.h"

namespace rayx::scheduler {
namespace {

using testing::DriverNumber;

ResourceSet Cpus(int64_t units) { return {{"CPU", ResourceAmount::FromUnits(units)}}; }

class ReadyQueueTest : public ::testing::Test {
 protected:
  void Push(uint64_t number, uint64_t driver, int64_t units, uint32_t depth = 0) {
    TaskEntry& task = tasks_.emplace_back();
    task.spec = testing::Task(number).Driver(driver).Build();
    task.scheduling_class = queue_.FindClass(DriverNumber(driver), Cpus(units));
    ++task.scheduling_class->task_count;
    task.depth = depth;
    task.MoveTo(Ready{});
    queue_.Push(task);
    queue_.SanityCheck();
  }
  // The whole order of a pass in which every task is taken but those that ask for `skipped` units.
  std::vector<uint64_t> Pass(int64_t skipped = -1) {
    std::vector<uint64_t> order;
    queue_.BeginPass();
    while (SchedulingClass* scheduling_class = queue_.Next()) {
      if (scheduling_class->shape().items[0].units == skipped) {
        queue_.Skip(*scheduling_class);
        continue;
      }
      TaskEntry* task = queue_.Pop(*scheduling_class);
      --task->scheduling_class->task_count;
      order.push_back(testing::NumberOf(task->spec.id));
      queue_.Reorder(*scheduling_class);
    }
    queue_.SanityCheck();
    return order;
  }

  ShapeTable shapes_{Cpus(1000000)};
  ReadyQueue queue_{shapes_};
  std::deque<TaskEntry> tasks_;
};

TEST_F(ReadyQueueTest, ClassesOfADriverMergeByArrival) {
  Push(1, 1, 10000);
  Push(2, 1, 20000);
  Push(3, 1, 10000);
  Push(4, 1, 20000);
  EXPECT_EQ(Pass(), (std::vector<uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(queue_.size(), 0u);
}

TEST_F(ReadyQueueTest, AShapeThatDoesNotFitDoesNotHoldUpOthers) {
  Push(1, 1, 20000);
  Push(2, 1, 10000);
  Push(3, 1, 20000);
  Push(4, 1, 10000);
  EXPECT_EQ(Pass(20000), (std::vector<uint64_t>{2, 4}));
  EXPECT_EQ(queue_.size(), 2u);
  EXPECT_EQ(Pass(), (std::vector<uint64_t>{1, 3}));
}

TEST_F(ReadyQueueTest, DeeperTasksComeFirstWithinTheirDriverOnly) {
  Push(1, 1, 10000, 0);
  Push(2, 2, 10000, 0);
  Push(3, 1, 20000, 1);
  // Driver 1 offers task 3, which arrived after task 2 of driver 2.
  EXPECT_EQ(Pass(), (std::vector<uint64_t>{2, 3, 1}));
}

TEST_F(ReadyQueueTest, UnusedClassesAndShapesAreForgottenWhenThereAreMany) {
  Push(1, 1, 5);
  for (int64_t units = 10; units < 10000; ++units) queue_.FindClass(DriverNumber(1), Cpus(units));
  EXPECT_LE(queue_.class_count(), ReadyQueue::kClassesKept);
  EXPECT_LE(shapes_.size(), ReadyQueue::kClassesKept);
  queue_.SanityCheck();
  EXPECT_EQ(Pass(), std::vector<uint64_t>{1});
}

TEST_F(ReadyQueueTest, AForgottenDriverLeavesNothing) {
  Push(1, 1, 10000);
  Push(2, 2, 10000);
  SchedulingClass* scheduling_class = queue_.FindClass(DriverNumber(1), Cpus(10000));
  EXPECT_EQ(queue_.TakeAll(*scheduling_class).size(), 1u);
  scheduling_class->task_count = 0;
  queue_.ForgetDriver(DriverNumber(1));
  queue_.ForgetDriver(DriverNumber(7));
  queue_.SanityCheck();
  EXPECT_FALSE(queue_.drivers().contains(DriverNumber(1)));
  EXPECT_EQ(queue_.class_count(), 1u);
  EXPECT_EQ(Pass(), std::vector<uint64_t>{2});
}

}  // namespace
}  // namespace rayx::scheduler
