#include "client/objects/streams.h"

#include <gtest/gtest.h>

#include "client/client.h"
#include "client/fake_node_driver.h"
#include "client/fake_node_worker.h"
#include "client/run_task_message.h"
#include "common/base/limits.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;

TaskId StreamTask() {
  uint8_t bytes[TaskId::kSize] = {'t'};
  return TaskId::FromBytes(bytes);
}

class StreamConsumerTest : public FakeNodeDriverTest {};

TEST_F(StreamConsumerTest, AStreamBeginsWithItsEndAndItsWindow) {
  TaskTemplate task;
  task.name = "f";
  task.options.stream_window = 3;
  const auto ids = client_->Submit(task, nullptr, {});
  ASSERT_TRUE(ids.ok());
  const TaskId id = (*ids)[0].Task();
  EXPECT_EQ(*ids, (std::vector<ObjectId>{ObjectId::ForReturn(id, 0), ObjectId::ForStreamItem(id, 0),
                                         ObjectId::ForStreamItem(id, 1),
                                         ObjectId::ForStreamItem(id, 2)}));
  const FakeNode::Received received = node_.Next();
  ASSERT_EQ(received.type, MessageType::SubmitTask);
  EXPECT_EQ(received.As<protocol::TaskSpec>().options()->stream_window(), 3u);
}

TEST_F(StreamConsumerTest, RefusesStreamsWithoutAMeaning) {
  TaskTemplate task;
  task.options.stream_window = limits::kStreamWindowMax + 1;
  EXPECT_EQ(client_->Submit(task, nullptr, {}).status().code(), StatusCode::kInvalidArgument);
  task.options.stream_window = 1;
  task.return_count = 2;
  EXPECT_EQ(client_->Submit(task, nullptr, {}).status().code(), StatusCode::kInvalidArgument);
  task.return_count = 1;
  task.kind = TaskKind::kActorCreation;
  EXPECT_EQ(client_->Submit(task, nullptr, {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(node_.pending(), 0u);
}

// The task may go on when it sees the credit: by then the node must know that the items are wanted.
TEST_F(StreamConsumerTest, AsksForItemsBeforeThereIsRoomForThem) {
  const auto ids = client_->GrantCredit(ObjectId::ForReturn(StreamTask(), 0), 16, 2, 1);
  ASSERT_TRUE(ids.ok());
  const std::vector<ObjectId> items = {ObjectId::ForStreamItem(StreamTask(), 16),
                                       ObjectId::ForStreamItem(StreamTask(), 17)};
  const ObjectId credit = ObjectId::ForStreamCredit(StreamTask(), 1);
  EXPECT_EQ(*ids, (std::vector<ObjectId>{items[0], items[1], credit}));
  const FakeNode::Received asked = node_.Next();
  ASSERT_EQ(asked.type, MessageType::GetObjects);
  EXPECT_EQ(FromWire(asked.As<protocol::GetObjects>().ids()), items);
  EXPECT_FALSE(asked.As<protocol::GetObjects>().pin());
  const FakeNode::Received made = node_.Next();
  ASSERT_EQ(made.type, MessageType::PutObject);
  EXPECT_EQ(FromWire(*made.As<protocol::PutObject>().id()), credit);
}

TEST_F(StreamConsumerTest, AStreamIsNotWithoutEnd) {
  const ObjectId end = ObjectId::ForReturn(StreamTask(), 0);
  EXPECT_EQ(client_->GrantCredit(end, ObjectId::kStreamItemsMax - 1, 2, 1).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->GrantCredit(end, 0, UINT32_MAX, 1).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->GrantCredit(end, 0, 1, ObjectId::kStreamCreditBit).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(node_.pending(), 0u);
}

class StreamProducerTest : public FakeNodeWorkerTest {
 protected:
  void SetUp() override {
    FakeNodeWorkerTest::SetUp();
    RunTaskMessage message;
    message.id = StreamTask();
    Hand(message);
    Result<RunnableTask> task = worker_->NextTask();
    ASSERT_TRUE(task.ok()) << task.status().ToString();
    task_ = std::move(*task);
  }
  Status PutItem(uint32_t item, const std::string& stream) {
    return worker_->PutItem(task_, item, Pieces(stream));
  }

  RunnableTask task_;
};

TEST_F(StreamProducerTest, ItemsAreSentAtOnceAndLetGo) {
  ASSERT_TRUE(PutItem(0, "first").ok());
  const FakeNode::Received put = node_.Next();
  ASSERT_EQ(put.type, MessageType::PutObject);
  EXPECT_EQ(FromWire(*put.As<protocol::PutObject>().id()),
            ObjectId::ForStreamItem(StreamTask(), 0));
  ASSERT_TRUE(worker_->FinishTask(task_, "", false, false).ok());
  const FakeNode::Received release = node_.Next();
  ASSERT_EQ(release.type, MessageType::ReleaseObjects);
  EXPECT_EQ(FromWire(release.As<protocol::ReleaseObjects>().unreferenced()),
            std::vector<ObjectId>{ObjectId::ForStreamItem(StreamTask(), 0)});
  EXPECT_EQ(node_.Next().type, MessageType::TaskDone);
}

TEST_F(StreamProducerTest, LargeItemsAreLetGoWithTheirSeal) {
  ASSERT_TRUE(PutItem(5, std::string(100000, 'x')).ok());
  EXPECT_EQ(node_.Next().type, MessageType::CreateObject);
  EXPECT_EQ(node_.Next().type, MessageType::ReleaseObjects);
  const FakeNode::Received sealed = node_.Next();
  ASSERT_EQ(sealed.type, MessageType::SealObject);
  EXPECT_EQ(FromWire(*sealed.As<protocol::SealObject>().id()),
            ObjectId::ForStreamItem(StreamTask(), 5));
}

TEST_F(StreamProducerTest, AStreamIsNotWithoutEnd) {
  EXPECT_EQ(PutItem(ObjectId::kStreamItemsMax, "x").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(node_.pending(), 0u);
}

}  // namespace
}  // namespace rayx
