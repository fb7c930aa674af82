#include "scheduler/queues/dependency_tracker.h"

#include <gtest/gtest.h>

#include "testing/task_builder.h"

namespace rayx::scheduler {
namespace {

using testing::DriverNumber;
using testing::ResultOf;
using testing::Task;

class DependencyTrackerTest : public ::testing::Test {
 protected:
  TaskEntry Entry(uint64_t number, uint64_t driver = 1) {
    TaskEntry entry;
    entry.spec = Task(number).Driver(driver).Build();
    return entry;
  }
  std::vector<TaskEntry*> Available(uint64_t number) {
    std::vector<TaskEntry*> ready;
    tracker_.OnAvailable(ResultOf(number), ready);
    // As the scheduler does.
    for (TaskEntry* task : ready) task->MoveTo(Ready{});
    tracker_.SanityCheck();
    return ready;
  }
  DependencyTracker tracker_;
};

TEST_F(DependencyTrackerTest, ATaskIsReadyWithItsLastObject) {
  TaskEntry task = Entry(1);
  const ObjectId missing[] = {ResultOf(10), ResultOf(11), ResultOf(10)};
  tracker_.Add(task, missing);
  EXPECT_TRUE(Available(10).empty());
  EXPECT_TRUE(Available(12).empty());
  EXPECT_TRUE(tracker_.IsMissing(ResultOf(11)));
  EXPECT_EQ(Available(11), std::vector<TaskEntry*>{&task});
  EXPECT_EQ(tracker_.size(), 0u);
  EXPECT_FALSE(tracker_.IsMissing(ResultOf(11)));
}

TEST_F(DependencyTrackerTest, AnObjectFreesItsTasksInOrder) {
  TaskEntry a = Entry(1);
  TaskEntry b = Entry(2);
  const ObjectId missing = ResultOf(10);
  tracker_.Add(a, {&missing, 1});
  tracker_.Add(b, {&missing, 1});
  EXPECT_EQ(Available(10), (std::vector<TaskEntry*>{&a, &b}));
  EXPECT_TRUE(Available(10).empty());
}

TEST_F(DependencyTrackerTest, TasksOfADriverAreRemovedOnceEach) {
  TaskEntry a = Entry(1, 1);
  TaskEntry b = Entry(2, 2);
  const ObjectId missing[] = {ResultOf(10), ResultOf(11)};
  tracker_.Add(a, missing);
  tracker_.Add(b, missing);
  const auto removed =
      tracker_.RemoveIf([](const TaskEntry& task) { return task.spec.driver == DriverNumber(1); });
  EXPECT_EQ(removed, std::vector<TaskEntry*>{&a});
  tracker_.SanityCheck();
  EXPECT_TRUE(Available(10).empty());
  EXPECT_EQ(Available(11), std::vector<TaskEntry*>{&b});
}

}  // namespace
}  // namespace rayx::scheduler
