#include "client/tasks/worker_queue.h"

#include <gtest/gtest.h>

#include "client/connection/message.h"
#include "client/fake_node.h"
#include "client/memory/object_memory.h"
#include "client/run_task_message.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

class WorkerQueueTest : public ::testing::Test {
 protected:
  WorkerQueueTest()
      : fd_(std::move(CreateSharedMemory("test", 4096)).value()),
        pool_(std::move(SharedMapping::Map(fd_.get(), 4096, false)).value(), {}, references_) {}
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

TEST_F(WorkerQueueTest, DecodesWhatActorsHave) {
  RunTaskMessage message;
  uint8_t bytes[16] = {'a'};
  const TaskId creation = TaskId::FromBytes(bytes);
  message.task.kind = TaskKind::kActorCreation;
  message.task.options.max_concurrency = 7;
  message.task.resources = {{"CPU", ResourceAmount::FromUnits(5000)}, {"x", ResourceAmount::Of(1)}};
  message.gpus = {3, 1};
  message.setups = {"one", "two"};
  flatbuffers::FlatBufferBuilder builder;
  const auto made = DecodeRunTask(message.Encode(&builder), pool_);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->kind, TaskKind::kActorCreation);
  EXPECT_EQ(made->options.max_concurrency, 7u);
  EXPECT_EQ(made->cpus, 0.5);
  EXPECT_EQ(made->gpus, (std::vector<uint32_t>{3, 1}));
  EXPECT_EQ(made->setups, (std::vector<std::string>{"one", "two"}));
  EXPECT_TRUE(made->actor.IsNil());

  message = RunTaskMessage();
  message.task.kind = TaskKind::kActorCall;
  message.task.actor = ObjectId::ForReturn(creation, 0);
  message.task.method = "m";
  message.task.options.timeout_ms = 1500;
  builder.Clear();
  const auto call = DecodeRunTask(message.Encode(&builder), pool_);
  ASSERT_TRUE(call.ok());
  EXPECT_EQ(call->kind, TaskKind::kActorCall);
  EXPECT_EQ(call->actor, creation);
  EXPECT_EQ(call->method, "m");
  EXPECT_EQ(call->options.timeout_ms, 1500u);
  EXPECT_EQ(call->cpus, 0);
}

TEST_F(WorkerQueueTest, CpusOfAFunction) {
  RunTaskMessage message;
  flatbuffers::FlatBufferBuilder builder;
  EXPECT_EQ(DecodeRunTask(message.Encode(&builder), pool_)->cpus, 0);
  message.task.resources = {{"CPU", ResourceAmount::Of(1)}};
  builder.Clear();
  EXPECT_EQ(DecodeRunTask(message.Encode(&builder), pool_)->cpus, 1);
  message.task.resources = {{"CPU", ResourceAmount::Of(4)}};
  builder.Clear();
  EXPECT_EQ(DecodeRunTask(message.Encode(&builder), pool_)->cpus, 4);
}

using Claim = ClaimWord::Claim;

// All others were taken back.
WorkerQueue::Begin OnlyOurs(uint32_t ours) {
  return [ours](uint32_t sequence) { return sequence == ours ? Claim::kOurs : Claim::kTakenBack; };
}

// As many as there are, in this order, for a worker that may begin `next`.
std::vector<uint32_t> PopAll(WorkerQueue* queue, uint32_t next) {
  std::vector<uint32_t> popped;
  const auto begin = [&next](uint32_t sequence) {
    if (sequence != next) return sequence < next ? Claim::kTakenBack : Claim::kNotYet;
    ++next;
    return Claim::kOurs;
  };
  while (const auto task = queue->Pop(begin)) popped.push_back(task->sequence);
  return popped;
}

RunnableTask Numbered(uint32_t sequence, bool direct) {
  RunnableTask task;
  task.sequence = sequence;
  task.from_client = direct;
  return task;
}

TEST_F(WorkerQueueTest, TasksOfBothSourcesRunByTheirNumbers) {
  WorkerQueue queue;
  queue.OnRunTask(Numbered(2, false));
  EXPECT_EQ(PopAll(&queue, 0), std::vector<uint32_t>()) << "0 and 1 are on their way";
  queue.OnRunTask(Numbered(0, true));
  EXPECT_EQ(PopAll(&queue, 0), std::vector<uint32_t>({0}));
  queue.OnRunTask(Numbered(1, true));
  queue.OnRunTask(Numbered(3, true));
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(PopAll(&queue, 1), std::vector<uint32_t>({1, 2, 3}));
}

// The node says these once.
TEST_F(WorkerQueueTest, WhatCameForTheWorkerSurvivesTheTask) {
  WorkerQueue queue;
  const auto task = [](uint32_t sequence, uint8_t driver) {
    RunnableTask made;
    made.sequence = sequence;
    uint8_t bytes[16] = {driver};
    made.driver = DriverId::FromBytes(bytes);
    return made;
  };
  RunnableTask first = task(0, 1);
  first.driver_config = "config";
  first.setups = {"one"};
  RunnableTask second = task(1, 1);
  second.setups = {"two"};
  queue.OnRunTask(std::move(first));
  queue.OnRunTask(std::move(second));
  EXPECT_FALSE(queue.Pop([](uint32_t) { return Claim::kTakenBack; }).has_value());
  RunnableTask third = task(2, 1);
  third.setups = {"three"};
  queue.OnRunTask(std::move(third));
  queue.OnRunTask(task(3, 1));
  const auto begin = [](uint32_t) { return Claim::kOurs; };
  const auto ran = queue.Pop(begin);
  EXPECT_EQ(ran->driver_config, "config");
  EXPECT_EQ(ran->setups, (std::vector<std::string>{"one", "two", "three"}));
  const auto next = queue.Pop(begin);
  EXPECT_FALSE(next->driver_config.has_value());
  EXPECT_TRUE(next->setups.empty());
}

TEST_F(WorkerQueueTest, WhatCameOfAnotherDriverDoesNot) {
  WorkerQueue queue;
  RunnableTask dropped;
  dropped.driver_config = "config";
  queue.OnRunTask(std::move(dropped));
  RunnableTask other;
  uint8_t bytes[16] = {1};
  other.driver = DriverId::FromBytes(bytes);
  other.sequence = 1;
  queue.OnRunTask(std::move(other));
  EXPECT_FALSE(queue.Pop(OnlyOurs(1))->driver_config);
}

TEST_F(WorkerQueueTest, RefusesCallsOfNothing) {
  flatbuffers::FlatBufferBuilder spec;
  const TaskId id;
  const DriverId driver;
  const FunctionId function;
  spec.Finish(protocol::CreateTaskSpecDirect(spec, ToWire(id), ToWire(driver), ToWire(function),
                                             "f", nullptr, false, nullptr, nullptr, 1, nullptr,
                                             protocol::TaskKind::ActorCall));
  flatbuffers::FlatBufferBuilder builder;
  const auto nested = builder.CreateVector(spec.GetBufferPointer(), spec.GetSize());
  builder.Finish(protocol::CreateRunTask(builder, 0, 0, nested));
  EXPECT_EQ(DecodeRunTask(MessageBytes(builder), pool_).status().code(),
            StatusCode::kProtocolError);
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
  const auto begin = OnlyOurs(2);
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
  EXPECT_FALSE(queue.Pop([](uint32_t) { return Claim::kOurs; }).has_value());
}

}  // namespace
}  // namespace rayx
