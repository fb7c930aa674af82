#include "daemon/records/task_counts.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "common/base/limits.h"
#include "control/memory_tables.h"

namespace rayx::daemon {
namespace {

class TaskCountsTest : public testing::Test {
 protected:
  int64_t Counter(const std::string& name) {
    int64_t value = 0;
    tables_->counters().List([&](auto found) {
      for (const auto& [key, amount] : *found) {
        if (key == name) value = amount;
      }
    });
    return value;
  }

  std::unique_ptr<control::Tables> tables_ = control::MakeMemoryTables();
  TaskCounts counts_{tables_.get()};
};

TEST_F(TaskCountsTest, NothingIsDueBeforeATaskHasEnded) {
  EXPECT_FALSE(counts_.NextFlushMs());
  counts_.Flush(1000);
  counts_.OnTaskEnded(false);
  EXPECT_TRUE(counts_.NextFlushMs());
}

TEST_F(TaskCountsTest, WhatHasEndedIsWrittenTogether) {
  for (int i = 0; i < 5; ++i) counts_.OnTaskEnded(false);
  counts_.OnTaskEnded(true);
  counts_.Flush(1000);
  EXPECT_EQ(Counter("tasks_done"), 5);
  EXPECT_EQ(Counter("tasks_failed"), 1);
  EXPECT_FALSE(counts_.NextFlushMs());
}

TEST_F(TaskCountsTest, NoSoonerThanAFlushAfterTheLastOne) {
  counts_.OnTaskEnded(false);
  counts_.Flush(1000);
  counts_.OnTaskEnded(false);
  EXPECT_EQ(counts_.NextFlushMs(), 1000 + limits::kControlFlushMs);
  counts_.Flush(1000 + limits::kControlFlushMs - 1);
  EXPECT_EQ(Counter("tasks_done"), 1);
  counts_.Flush(1000 + limits::kControlFlushMs);
  EXPECT_EQ(Counter("tasks_done"), 2);
}

}  // namespace
}  // namespace rayx::daemon
