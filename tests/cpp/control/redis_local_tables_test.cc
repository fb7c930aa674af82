// Which commands the changes of tasks, objects and counters become.

#include "control/redis_local_tables.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/limits.h"
#include "control/fake_server.h"
#include "control/loop_runner.h"
#include "control/records_maker.h"

namespace rayx::control {
namespace {

using Lines = std::vector<std::string>;

class RedisLocalTablesTest : public testing::Test {
 protected:
  RedisLocalTablesTest()
      : server_(runner_.loop(), [](const CommandWords&) { return ":1\r\n"; }),
        shards_(runner_.loop(), {{server_.path(), "rayx", "secret"}}),
        tasks_(&shards_),
        objects_(&shards_),
        counters_(&shards_, "w") {
    runner_.RunUntil([this] { return shards_.health().ok(); });
  }

  // Writes everything out and returns what has arrived since the last time.
  Lines WriteOut() {
    objects_.late().WriteOut(0, 1000000);
    tasks_.late().WriteOut(0, 1000000);
    counters_.WriteOut();
    runner_.RunUntil([this] { return shards_.primary()->unacknowledged() == 0; },
                     [this] { shards_.Flush(); });
    const Lines all = server_.ReceivedLines();
    Lines lines(all.begin() + static_cast<std::ptrdiff_t>(seen_), all.end());
    seen_ = all.size();
    return lines;
  }
  static TaskRecord Update(TaskState state, uint32_t attempt = 0) {
    TaskRecord task;
    task.id = MakeId<TaskId>(1);
    task.state = state;
    task.attempt = attempt;
    return task;
  }

  const std::string task_key_ = "rayx:task:" + MakeId<TaskId>(1).Hex();
  const std::string object_key_ = "rayx:object:" + MakeId<ObjectId>(1).Hex();
  const NodeId node_ = MakeId<NodeId>(7);
  LoopRunner runner_;
  FakeServer server_;
  RedisShards shards_;
  RedisTaskTable tasks_;
  RedisObjectTable objects_;
  RedisCounterTable counters_;
  size_t seen_ = 0;
};

TEST_F(RedisLocalTablesTest, SeveralUpdatesOfATaskAreOneCommand) {
  tasks_.Put(Update(TaskState::kWaiting));
  tasks_.Put(Update(TaskState::kReady));
  tasks_.Put(Update(TaskState::kRunning, 2));
  EXPECT_EQ(tasks_.late().count(0), 1u);
  EXPECT_EQ(WriteOut(), Lines{"HSET " + task_key_ + " state running attempt 2"});
  EXPECT_EQ(WriteOut(), Lines());
}

TEST_F(RedisLocalTablesTest, ATaskThatComesAndGoesIsNeverWritten) {
  tasks_.Put(Update(TaskState::kWaiting));
  tasks_.Remove(MakeId<TaskId>(1));
  EXPECT_EQ(tasks_.late().count(0), 0u);
  EXPECT_EQ(WriteOut(), Lines());
}

TEST_F(RedisLocalTablesTest, AWrittenTaskIsRemoved) {
  tasks_.Put(Update(TaskState::kWaiting));
  WriteOut();
  tasks_.Put(Update(TaskState::kDone));
  tasks_.Remove(MakeId<TaskId>(1));
  EXPECT_EQ(WriteOut(), Lines{"DEL " + task_key_});
  // Then it is as if it had never been.
  tasks_.Put(Update(TaskState::kWaiting));
  tasks_.Remove(MakeId<TaskId>(1));
  EXPECT_EQ(WriteOut(), Lines());
}

TEST_F(RedisLocalTablesTest, ATaskOfSomebodyElseIsRemovedToo) {
  tasks_.Remove(MakeId<TaskId>(1));
  EXPECT_EQ(WriteOut(), Lines{"DEL " + task_key_});
}

TEST_F(RedisLocalTablesTest, RemovedPutAndRemovedAgainIsRemoved) {
  tasks_.Put(Update(TaskState::kWaiting));
  WriteOut();
  tasks_.Remove(MakeId<TaskId>(1));
  tasks_.Put(Update(TaskState::kReady));
  EXPECT_EQ(WriteOut(),
            (Lines{"DEL " + task_key_, "HSET " + task_key_ + " state ready attempt 0"}));
  tasks_.Remove(MakeId<TaskId>(1));
  tasks_.Put(Update(TaskState::kReady));
  tasks_.Remove(MakeId<TaskId>(1));
  EXPECT_EQ(WriteOut(), Lines{"DEL " + task_key_});
}

TEST_F(RedisLocalTablesTest, ALocationThatComesAndGoesIsNeverWritten) {
  const ObjectId id = MakeId<ObjectId>(1);
  objects_.AddLocation(id, node_, 10);
  objects_.RemoveLocation(id, node_);
  EXPECT_EQ(objects_.late().count(0), 0u);
  EXPECT_EQ(WriteOut(), Lines());
  objects_.AddLocation(id, node_, 10);
  EXPECT_EQ(WriteOut(), Lines{"HSET " + object_key_ + " " + node_.Hex() + " 10"});
  // Told again while the server has it, then gone: it must go there too.
  objects_.AddLocation(id, node_, 10);
  objects_.RemoveLocation(id, node_);
  EXPECT_EQ(WriteOut(), Lines{"HDEL " + object_key_ + " " + node_.Hex()});
  objects_.RemoveLocation(id, node_);
  objects_.AddLocation(id, node_, 11);
  EXPECT_EQ(WriteOut(), Lines{"HSET " + object_key_ + " " + node_.Hex() + " 11"});
}

TEST_F(RedisLocalTablesTest, LocationsOfOneObjectDoNotMix) {
  const ObjectId id = MakeId<ObjectId>(1);
  const NodeId other = MakeId<NodeId>(8);
  objects_.AddLocation(id, node_, 10);
  objects_.RemoveLocation(id, other);
  EXPECT_EQ(WriteOut(), (Lines{"HSET " + object_key_ + " " + node_.Hex() + " 10",
                               "HDEL " + object_key_ + " " + other.Hex()}));
}

TEST_F(RedisLocalTablesTest, WritesNoMoreThanTold) {
  for (uint32_t i = 0; i < 10; ++i) tasks_.Put(MakeTask(i, TaskState::kReady));
  EXPECT_EQ(tasks_.late().WriteOut(0, 4), 4u);
  EXPECT_EQ(tasks_.late().count(0), 6u);
  EXPECT_EQ(tasks_.late().WriteOut(0, 100), 6u);
}

TEST_F(RedisLocalTablesTest, BeyondItsLimitTheOldestIsWrittenAtOnce) {
  const auto count = static_cast<uint32_t>(limits::kControlPendingRecordsMax);
  for (uint32_t i = 0; i < count + 3; ++i) objects_.AddLocation(MakeId<ObjectId>(i), node_, 1);
  EXPECT_EQ(objects_.late().count(0), count);
  EXPECT_EQ(shards_.primary()->unacknowledged(), 3u);
}

TEST_F(RedisLocalTablesTest, CountersAreTotalsSoThatTheyCanBeSentAgain) {
  counters_.Add("tasks", 2);
  counters_.Add("tasks", 3);
  EXPECT_TRUE(counters_.pending());
  EXPECT_EQ(WriteOut(), Lines{"HSET rayx:counters w:tasks 5"});
  EXPECT_FALSE(counters_.pending());
  counters_.Add("bytes", 1);
  counters_.Add("tasks", 1);
  EXPECT_EQ(WriteOut(), Lines{"HSET rayx:counters w:bytes 1 w:tasks 6"});
  EXPECT_EQ(WriteOut(), Lines());
}

}  // namespace
}  // namespace rayx::control
