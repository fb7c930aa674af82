#include "client/worker_queue.h"

#include <gtest/gtest.h>

#include "client/fake_node.h"
#include "client/message.h"
#include "client/object_memory.h"
#include "client/run_task_message.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

class WorkerQueueTest : public ::testing::Test {
 protected:
  WorkerQueueTest()
      : fd_(std::move(CreateSharedMemory("test", 4096)).value()),
        pool_(std::move(SharedMapping::Map(fd_.get(), 4096, false)).value(), references_) {}
  ScopedFd fd_;
  std::shared_ptr<ReferenceQueue> references_ = std::make_shared<ReferenceQueue>();
  PoolReader pool_;
};

TEST_F(WorkerQueueTest, DecodesATask) {
  RunTaskMessage message;
  message.sequence = 4;
  message.attempt = 2;
  message.args = "the arguments";
  const ObjectId inline_id = ObjectId::ForPut(TaskId(), 1);
  const ObjectId pool_id = ObjectId::ForPut(TaskId(), 2);
  const ObjectId missing_id = ObjectId::ForPut(TaskId(), 3);
  message.dependencies = {pool_id, inline_id, missing_id, inline_id};
  message.inline_values = {{inline_id, MakeObject("inline")}};
  message.pool_values = {{pool_id, {64, 100}}};
  message.driver_config = "config";
  flatbuffers::FlatBufferBuilder builder;
  Result<RunnableTask> task = DecodeRunTask(message.Encode(&builder), pool_);
  ASSERT_TRUE(task.ok()) << task.status().ToString();
  builder.Reset();
  EXPECT_EQ(task->sequence, 4u);
  EXPECT_EQ(task->attempt, 2u);
  EXPECT_EQ(task->name, "f");
  EXPECT_EQ(ParseObject(task->args)->stream.size(), 13u);
  EXPECT_EQ(task->driver_config, "config");
  ASSERT_EQ(task->values.size(), 4u);
  EXPECT_EQ(task->values[0].bytes().size(), 100u);
  EXPECT_EQ(ParseObject(task->values[1].bytes())->stream.size(), 6u);
  EXPECT_FALSE(task->values[2].valid());
  EXPECT_TRUE(task->values[3].valid());
  EXPECT_TRUE(references_->empty());
  task = Status::NotFound("");
  EXPECT_FALSE(references_->empty()) << "the pin goes back";
}

TEST_F(WorkerQueueTest, RefusesNonsense) {
  RunTaskMessage message;
  message.dependencies = {ObjectId::ForPut(TaskId(), 2)};
  message.pool_values = {{ObjectId::ForPut(TaskId(), 2), {4000, 100}}};
  flatbuffers::FlatBufferBuilder builder;
  EXPECT_EQ(DecodeRunTask(message.Encode(&builder), pool_).status().code(),
            StatusCode::kProtocolError);
  builder.Clear();
  builder.Finish(protocol::CreateDrain(builder));
  EXPECT_EQ(DecodeRunTask(MessageBytes(builder), pool_).status().code(),
            StatusCode::kProtocolError);
  EXPECT_EQ(DecodeRunTask({}, pool_).status().code(), StatusCode::kProtocolError);
}

TEST_F(WorkerQueueTest, DropsWhatWasTakenBack) {
  WorkerQueue queue;
  for (uint32_t i = 0; i < 4; ++i) {
    RunnableTask task;
    task.sequence = i;
    queue.OnRunTask(std::move(task));
  }
  const auto begin = [](uint32_t sequence) { return sequence == 2; };
  const auto task = queue.Pop(begin);
  ASSERT_TRUE(task.has_value());
  EXPECT_EQ(task->sequence, 2u);
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_FALSE(queue.Pop(begin).has_value());
  EXPECT_EQ(queue.size(), 0u);
}

TEST_F(WorkerQueueTest, AfterTheEndNothingIsRun) {
  WorkerQueue queue;
  queue.OnRunTask({});
  EXPECT_FALSE(queue.ended());
  queue.OnExit();
  EXPECT_TRUE(queue.ended());
  EXPECT_FALSE(queue.Pop([](uint32_t) { return true; }).has_value());
}

}  // namespace
}  // namespace rayx
