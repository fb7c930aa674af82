#include "client/task_submitter.h"

#include <gtest/gtest.h>

#include "client/fake_node.h"
#include "common/base/limits.h"
#include "common/protocol/task_spec.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;

class TaskSubmitterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.Serve(true);
    uint8_t bytes[16] = {'d'};
    auto client = Client::ConnectDriver({node_.path(), DriverId::FromBytes(bytes), "3.11", ""});
    ASSERT_TRUE(client.ok());
    client_ = std::move(*client);
  }
  FakeNode node_;
  std::unique_ptr<Client> client_;
};

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
  task.max_retries = -2;
  EXPECT_EQ(client_->Submit(task, nullptr, {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(node_.pending(), 0u);
}

}  // namespace
}  // namespace rayx
