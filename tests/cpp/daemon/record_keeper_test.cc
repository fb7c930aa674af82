#include "daemon/record_keeper.h"

#include <gtest/gtest.h>

#include <map>

#include "common/base/limits.h"
#include "common/io/random_bytes.h"
#include "control/memory_tables.h"

namespace rayx::daemon {
namespace {

class RecordKeeperTest : public testing::Test {
 protected:
  RecordKeeperTest() : tables_(control::MakeMemoryTables()), keeper_(tables_.get(), node_) {
    keeper_.set_sources({.task = [this](const TaskId& id) -> std::optional<control::TaskRecord> {
                           const auto it = tasks_.find(id);
                           if (it == tasks_.end()) return std::nullopt;
                           control::TaskRecord record;
                           record.id = id;
                           record.name = "f";
                           record.state = it->second;
                           return record;
                         },
                         .object_size = [this](const ObjectId& id) -> std::optional<uint64_t> {
                           const auto it = objects_.find(id);
                           if (it == objects_.end()) return std::nullopt;
                           return it->second;
                         }});
  }
  TaskId Submit() {
    const auto id = ids_.Next<TaskId>();
    tasks_[id] = control::TaskState::kWaiting;
    keeper_.OnTaskSubmitted(id);
    return id;
  }
  void FlushDue() {
    now_ms_ += limits::kControlFlushMs;
    keeper_.Flush(now_ms_);
    tables_->Flush();
  }
  size_t TaskCount() {
    size_t count = 0;
    tables_->tasks().List([&](auto found) { count = found->size(); });
    return count;
  }
  size_t ObjectCount() {
    size_t count = 0;
    tables_->objects().List([&](auto found) { count = found->size(); });
    return count;
  }
  int64_t Counter(const std::string& name) {
    int64_t value = 0;
    tables_->counters().List([&](auto found) {
      for (const auto& [key, amount] : *found) {
        if (key == name) value = amount;
      }
    });
    return value;
  }

  RandomIdSource ids_;
  NodeId node_ = ids_.Next<NodeId>();
  std::unique_ptr<control::Tables> tables_;
  RecordKeeper keeper_;
  std::map<TaskId, control::TaskState> tasks_;
  std::map<ObjectId, uint64_t> objects_;
  int64_t now_ms_ = 1000;
};

TEST_F(RecordKeeperTest, WhatLivedAndDiedBetweenFlushesCostsOnlyACount) {
  const TaskId id = Submit();
  EXPECT_TRUE(keeper_.NextFlushMs());
  tasks_.erase(id);
  keeper_.OnTaskEnded(id, false);
  FlushDue();
  EXPECT_EQ(TaskCount(), 0u);
  EXPECT_EQ(Counter("tasks_done"), 1);
  EXPECT_FALSE(keeper_.NextFlushMs());
}

TEST_F(RecordKeeperTest, ALivingTaskIsRecordedUpdatedAndRemoved) {
  const TaskId id = Submit();
  FlushDue();
  EXPECT_EQ(TaskCount(), 1u);
  tasks_[id] = control::TaskState::kRunning;
  keeper_.OnTaskAssigned(id);
  FlushDue();
  control::TaskState state = control::TaskState::kWaiting;
  tables_->tasks().Get(id, [&](auto found) { state = found->value().state; });
  EXPECT_EQ(state, control::TaskState::kRunning);
  tasks_.erase(id);
  keeper_.OnTaskEnded(id, true);
  FlushDue();
  EXPECT_EQ(TaskCount(), 0u);
  EXPECT_EQ(Counter("tasks_failed"), 1);
}

TEST_F(RecordKeeperTest, AnAssignedTaskWithoutARecordNeedsNone) {
  const TaskId id = Submit();
  tasks_.erase(id);
  FlushDue();
  keeper_.OnTaskAssigned(id);
  EXPECT_FALSE(keeper_.NextFlushMs());
}

TEST_F(RecordKeeperTest, ObjectsComeAndGo) {
  const ObjectId id = ObjectId::ForPut(ids_.Next<TaskId>(), 0);
  objects_[id] = 100;
  keeper_.OnObjectSealed(id);
  FlushDue();
  EXPECT_EQ(ObjectCount(), 1u);
  objects_.erase(id);
  keeper_.OnObjectDeleted(id);
  tables_->Flush();
  EXPECT_EQ(ObjectCount(), 0u);
}

TEST_F(RecordKeeperTest, ABurstIsWrittenABitAtATime) {
  for (size_t i = 0; i < 2 * limits::kControlRecordsPerFlush + 1; ++i) Submit();
  FlushDue();
  EXPECT_EQ(TaskCount(), limits::kControlRecordsPerFlush);
  keeper_.Flush(now_ms_);  // not due yet
  tables_->Flush();
  EXPECT_EQ(TaskCount(), limits::kControlRecordsPerFlush);
  EXPECT_EQ(keeper_.NextFlushMs(), now_ms_ + limits::kControlFlushMs);
  FlushDue();
  FlushDue();
  EXPECT_EQ(TaskCount(), 2 * limits::kControlRecordsPerFlush + 1);
  EXPECT_FALSE(keeper_.NextFlushMs());
}

}  // namespace
}  // namespace rayx::daemon
