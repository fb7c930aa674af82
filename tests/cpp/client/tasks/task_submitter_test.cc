#include "client/tasks/task_submitter.h"

#include <gtest/gtest.h>

#include "client/fake_node_driver.h"
#include "common/base/limits.h"
#include "common/protocol/task_spec.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;

class TaskSubmitterTest : public FakeNodeDriverTest {};

TEST_F(TaskSubmitterTest, SmallArgumentsTravelWithTheTask) {
  const std::vector<uint8_t> stream(100, 1);
  ObjectPieces args;
  args.stream = stream;
  args.contained = {ObjectId::ForPut(TaskId(), 9)};
  TaskTemplate task;
  task.name = "f";
  const auto ids = client_->Submit(task, &args, {});
  ASSERT_TRUE(ids.ok());
  const FakeNode::Received received = node_.Next();
  ASSERT_EQ(received.type, MessageType::SubmitTask);
  const auto spec = ParseTaskSpec(received.payload->bytes());
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->ReturnId(0), (*ids)[0]);
  EXPECT_EQ(spec->driver.data()[0], 'd');
  EXPECT_EQ(spec->contained, args.contained);
  EXPECT_FALSE(received.As<protocol::TaskSpec>().args_in_store());
}

TEST_F(TaskSubmitterTest, LargeArgumentsAreStoredAndLetGo) {
  const std::vector<uint8_t> stream(limits::kInlineObjectBytesMax, 1);
  ObjectPieces args;
  args.stream = stream;
  const ObjectId dependency = ObjectId::ForPut(TaskId(), 9);
  ASSERT_TRUE(client_->Submit({}, &args, {&dependency, 1}).ok());
  EXPECT_EQ(node_.Next().type, MessageType::CreateObject);
  const FakeNode::Received sealed = node_.Next();
  ASSERT_EQ(sealed.type, MessageType::SealObject);
  const ObjectId stored = FromWire(*sealed.As<protocol::SealObject>().id());
  const FakeNode::Received received = node_.Next();
  ASSERT_EQ(received.type, MessageType::SubmitTask);
  EXPECT_TRUE(received.As<protocol::TaskSpec>().args_in_store());
  EXPECT_EQ(FromWire(received.As<protocol::TaskSpec>().dependencies()),
            (std::vector<ObjectId>{dependency, stored}));
  const FakeNode::Received release = node_.Next();
  ASSERT_EQ(release.type, MessageType::ReleaseObjects);
  EXPECT_EQ(FromWire(release.As<protocol::ReleaseObjects>().unreferenced()),
            std::vector<ObjectId>{stored});
}

TEST_F(TaskSubmitterTest, RefusesWhatTheNodeWould) {
  TaskTemplate task;
  task.return_count = limits::kReturnsMax + 1;
  EXPECT_EQ(client_->Submit(task, nullptr, {}).status().code(), StatusCode::kInvalidArgument);
  task.return_count = 1;
  task.name = std::string(limits::kNameBytesMax + 1, 'n');
  EXPECT_EQ(client_->Submit(task, nullptr, {}).status().code(), StatusCode::kInvalidArgument);
  task.name = "f";
  task.options.max_retries = -2;
  EXPECT_EQ(client_->Submit(task, nullptr, {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(node_.pending(), 0u);
}

TEST_F(TaskSubmitterTest, RefusesActorsWithoutAMeaning) {
  TaskTemplate call;
  call.kind = TaskKind::kActorCall;
  call.method = "m";
  EXPECT_EQ(client_->Submit(call, nullptr, {}).status().code(), StatusCode::kInvalidArgument);
  uint8_t bytes[16] = {'a'};
  call.actor = ObjectId::ForReturn(TaskId::FromBytes(bytes), 1);
  EXPECT_EQ(client_->Submit(call, nullptr, {}).status().code(), StatusCode::kInvalidArgument);
  call.actor = ObjectId::ForReturn(TaskId::FromBytes(bytes), 0);
  call.method.clear();
  EXPECT_EQ(client_->Submit(call, nullptr, {}).status().code(), StatusCode::kInvalidArgument);
  call.method.assign(limits::kNameBytesMax + 1, 'm');
  EXPECT_EQ(client_->Submit(call, nullptr, {}).status().code(), StatusCode::kInvalidArgument);

  TaskTemplate creation;
  creation.kind = TaskKind::kActorCreation;
  creation.return_count = 2;
  EXPECT_EQ(client_->Submit(creation, nullptr, {}).status().code(), StatusCode::kInvalidArgument);
  creation.return_count = 1;
  for (const uint32_t wrong : {0u, limits::kActorConcurrencyMax + 1}) {
    creation.options.max_concurrency = wrong;
    EXPECT_EQ(client_->Submit(creation, nullptr, {}).status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(node_.pending(), 0u);
}

// Large arguments hold what is in them; the actor is held by the call.
TEST_F(TaskSubmitterTest, ACallHoldsItsActorWhereverItsArgumentsAre) {
  TaskTemplate call;
  call.kind = TaskKind::kActorCall;
  call.method = "m";
  uint8_t bytes[16] = {'a'};
  call.actor = ObjectId::ForReturn(TaskId::FromBytes(bytes), 0);
  const std::vector<uint8_t> stream(limits::kInlineObjectBytesMax, 1);
  ObjectPieces args;
  args.stream = stream;
  args.contained = {ObjectId::ForPut(TaskId(), 9)};
  ASSERT_TRUE(client_->Submit(call, &args, {}).ok());
  EXPECT_EQ(node_.Next().type, MessageType::CreateObject);
  const FakeNode::Received sealed = node_.Next();
  EXPECT_EQ(FromWire(sealed.As<protocol::SealObject>().contained()), args.contained);
  const FakeNode::Received received = node_.Next();
  ASSERT_EQ(received.type, MessageType::SubmitTask);
  EXPECT_EQ(FromWire(received.As<protocol::TaskSpec>().contained()),
            std::vector<ObjectId>{call.actor});
}

TEST_F(TaskSubmitterTest, CancelsAndKills) {
  uint8_t bytes[16] = {'t'};
  const TaskId task = TaskId::FromBytes(bytes);
  ASSERT_TRUE(client_->Cancel(ObjectId::ForReturn(task, 3), true).ok());
  const FakeNode::Received cancel = node_.Next();
  ASSERT_EQ(cancel.type, MessageType::CancelTask);
  EXPECT_EQ(FromWire<TaskId>(*cancel.As<protocol::CancelTask>().task_id()), task);
  EXPECT_TRUE(cancel.As<protocol::CancelTask>().force());
  ASSERT_TRUE(client_->KillActor(ObjectId::ForReturn(task, 0)).ok());
  const FakeNode::Received kill = node_.Next();
  ASSERT_EQ(kill.type, MessageType::KillActor);
  EXPECT_EQ(FromWire<TaskId>(*kill.As<protocol::KillActor>().actor_id()), task);
  ASSERT_TRUE(client_->CancelAll(false).ok());
  const FakeNode::Received all = node_.Next();
  ASSERT_EQ(all.type, MessageType::CancelTask);
  EXPECT_TRUE(FromWire<TaskId>(*all.As<protocol::CancelTask>().task_id()).IsNil());
  EXPECT_FALSE(all.As<protocol::CancelTask>().force());
  const Status put = client_->Cancel(ObjectId::ForPut(task, 0), false);
  EXPECT_EQ(put.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(put.message().find(ObjectId::ForPut(task, 0).Hex()), std::string::npos);
  EXPECT_EQ(client_->KillActor(ObjectId::ForReturn(task, 1)).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->KillActor(ObjectId()).code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace rayx
