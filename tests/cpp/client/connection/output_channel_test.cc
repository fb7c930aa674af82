#include "client/connection/output_channel.h"

#include <gtest/gtest.h>

#include <thread>

#include "client/connection/message.h"
#include "client/fake_node.h"
#include "common/protocol/wire_ids.h"
#include "testing/task_builder.h"

namespace rayx {
namespace {

using protocol::MessageType;

class OutputChannelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.Serve(true);
    uint8_t bytes[16] = {'d'};
    auto channel = OutputChannel::Connect({node_.path(), DriverId::FromBytes(bytes), "3.11", ""});
    ASSERT_TRUE(channel.ok()) << channel.status().ToString();
    channel_ = std::move(*channel);
  }
  FakeNode node_;
  std::unique_ptr<OutputChannel> channel_;
};

TEST_F(OutputChannelTest, BringsLinesAndErrors) {
  flatbuffers::FlatBufferBuilder builder;
  const std::string lines = "one\ntwo";
  const auto encoded =
      builder.CreateVector(reinterpret_cast<const uint8_t*>(lines.data()), lines.size());
  const NodeId node = testing::NumberedId<NodeId>(3);
  builder.Finish(protocol::CreateOutputLines(builder, 42, builder.CreateString("f"), true, encoded,
                                             ToWire(node)));
  node_.Send(MessageType::OutputLines, builder);
  builder.Clear();
  builder.Finish(protocol::CreateTaskFailed(builder, builder.CreateString("boom")));
  node_.Send(MessageType::TaskFailed, builder);
  const auto first = channel_->Next();
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->kind, OutputEvent::Kind::kLines);
  EXPECT_EQ(first->pid, 42);
  EXPECT_EQ(first->name, "f");
  EXPECT_EQ(first->node, node.Hex());
  EXPECT_TRUE(first->is_stderr);
  EXPECT_EQ(first->text, lines);
  const auto second = channel_->Next();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->kind, OutputEvent::Kind::kTaskFailed);
  EXPECT_EQ(second->text, "boom");
}

TEST_F(OutputChannelTest, DrainsAndCloses) {
  ASSERT_TRUE(channel_->Drain().ok());
  EXPECT_EQ(node_.Next().type, MessageType::Drain);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateDrained(builder));
  node_.Send(MessageType::Drained, builder);
  EXPECT_EQ(channel_->Next()->kind, OutputEvent::Kind::kDrained);
  std::thread reader(
      [&] { EXPECT_EQ(channel_->Next().status().code(), StatusCode::kDisconnected); });
  channel_->Close();
  reader.join();
}

TEST_F(OutputChannelTest, WaitsNoLongerThanItShall) {
  EXPECT_EQ(channel_->Next(0)->kind, OutputEvent::Kind::kNothing);
  EXPECT_EQ(channel_->Next(20)->kind, OutputEvent::Kind::kNothing);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateDrained(builder));
  node_.Send(MessageType::Drained, builder);
  EXPECT_EQ(channel_->Next(60'000)->kind, OutputEvent::Kind::kDrained);
}

TEST_F(OutputChannelTest, RefusesOtherMessages) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateDrained(builder));
  node_.Send(MessageType::RunTask, builder);
  EXPECT_EQ(channel_->Next().status().code(), StatusCode::kProtocolError);
  node_.Send(MessageType::OutputLines, builder);
  EXPECT_EQ(channel_->Next().status().code(), StatusCode::kProtocolError);
}

}  // namespace
}  // namespace rayx
