#include "daemon/records/record_keeper.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "common/base/limits.h"
#include "common/os/random_bytes.h"
#include "control/memory_tables.h"

namespace rayx::daemon {
namespace {

// Tables in memory that say that they are behind.
class SlowTables : public control::Tables {
 public:
  control::NodeTable& nodes() override { return tables_->nodes(); }
  control::DriverTable& drivers() override { return tables_->drivers(); }
  control::FunctionTable& functions() override { return tables_->functions(); }
  control::TaskTable& tasks() override { return tables_->tasks(); }
  control::ActorTable& actors() override { return tables_->actors(); }
  control::ObjectTable& objects() override { return tables_->objects(); }
  control::ErrorTable& errors() override { return tables_->errors(); }
  control::CounterTable& counters() override { return tables_->counters(); }
  void Flush() override { tables_->Flush(); }
  std::optional<int64_t> NextFlushMs() const override { return tables_->NextFlushMs(); }
  void Drain(int64_t timeout_ms, std::function<void(Status)> done) override {
    tables_->Drain(timeout_ms, std::move(done));
  }
  bool behind() const override { return is_behind; }
  bool connected() const override { return tables_->connected(); }
  Status health() const override { return tables_->health(); }

  bool is_behind = false;

 private:
  std::unique_ptr<control::Tables> tables_ = control::MakeMemoryTables();
};

class RecordKeeperTest : public testing::Test {
 protected:
  RecordKeeperTest() : tables_(std::make_unique<SlowTables>()), keeper_(tables_.get(), node_) {
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
  std::unique_ptr<SlowTables> tables_;
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

TEST_F(RecordKeeperTest, NewRecordsWaitWhileTheTablesAreBehind) {
  const TaskId recorded = Submit();
  FlushDue();
  tables_->is_behind = true;
  const TaskId short_lived = Submit();
  const TaskId long_lived = Submit();
  FlushDue();
  EXPECT_EQ(TaskCount(), 1u);
  for (const TaskId& id : {recorded, short_lived}) {
    tasks_.erase(id);
    keeper_.OnTaskEnded(id, false);
  }
  FlushDue();
  EXPECT_EQ(TaskCount(), 0u);
  EXPECT_EQ(Counter("tasks_done"), 2);
  EXPECT_TRUE(keeper_.NextFlushMs());
  tables_->is_behind = false;
  FlushDue();
  EXPECT_EQ(TaskCount(), 1u);
  tables_->tasks().Get(long_lived, [](auto found) { EXPECT_TRUE(found->has_value()); });
  EXPECT_FALSE(keeper_.NextFlushMs());
}

TEST_F(RecordKeeperTest, AFlushLooksAtABoundedNumberOfIdsThatAreGone) {
  for (size_t i = 0; i < limits::kControlLooksPerFlush + 10; ++i) tasks_.erase(Submit());
  const TaskId living = Submit();
  FlushDue();
  EXPECT_EQ(TaskCount(), 0u);
  EXPECT_TRUE(keeper_.NextFlushMs());
  FlushDue();
  EXPECT_EQ(TaskCount(), 1u);
  tables_->tasks().Get(living, [](auto found) { EXPECT_TRUE(found->has_value()); });
  EXPECT_FALSE(keeper_.NextFlushMs());
}

}  // namespace
}  // namespace rayx::daemon
