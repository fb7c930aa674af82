#include "client/template_channel.h"

#include <gtest/gtest.h>

#include "client/fake_node.h"
#include "client/frame_stream.h"
#include "client/message.h"
#include "common/io/socket.h"

namespace rayx {
namespace {

using protocol::MessageType;

TEST(TemplateChannelTest, ForksAndReports) {
  FakeNode node;
  node.Serve(false);
  auto adopted = TemplateChannel::Adopt(node.client_fd());
  ASSERT_TRUE(adopted.ok());
  TemplateChannel& channel = **adopted;
  EXPECT_GE(channel.fd(), 0);
  ASSERT_TRUE(channel.ReportReady(11).ok());
  const FakeNode::Received ready = node.Next();
  ASSERT_EQ(ready.type, MessageType::TemplateReady);
  EXPECT_EQ(ready.As<protocol::TemplateReady>().pid(), 11);

  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateForkWorker(builder, 5));
  // After what the answer to the greeting brought, four descriptors in one message.
  auto [one, two] = std::move(SocketPair()).value();
  node.Send(MessageType::ForkWorker, builder, {one.get(), two.get(), one.get(), two.get()});
  std::optional<ForkRequest> request;
  while (!request) {
    auto next = channel.NextRequest();
    ASSERT_TRUE(next.ok()) << next.status().ToString();
    request = *next;
  }
  EXPECT_EQ(request->number, 5u);
  for (const int fd :
       {request->socket_fd, request->stdout_fd, request->stderr_fd, request->claim_fd}) {
    EXPECT_GE(fd, 0);
    const ScopedFd owned(fd);
  }
  EXPECT_FALSE(channel.NextRequest()->has_value());

  ASSERT_TRUE(channel.ReportForked(5, -1, 12).ok());
  const FakeNode::Received forked = node.Next();
  EXPECT_EQ(forked.As<protocol::WorkerForked>().error_number(), 12);
  ASSERT_TRUE(channel.ReportExited(77, 9).ok());
  const FakeNode::Received exited = node.Next();
  EXPECT_EQ(exited.As<protocol::WorkerExited>().wait_status(), 9);
  channel.Abandon();
  EXPECT_EQ(channel.fd(), -1);
}

TEST(TemplateChannelTest, ALostNodeAndARequestWithoutDescriptors) {
  auto [ours, theirs] = std::move(SocketPair()).value();
  auto adopted = TemplateChannel::Adopt(ours.Release());
  ASSERT_TRUE(adopted.ok());
  FrameStream node(std::move(theirs));
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateForkWorker(builder, 5));
  ASSERT_TRUE(
      node.SendAll(static_cast<uint16_t>(MessageType::ForkWorker), MessageBytes(builder)).ok());
  EXPECT_EQ((*adopted)->NextRequest().status().code(), StatusCode::kProtocolError);
  node.Close();
  EXPECT_EQ((*adopted)->NextRequest().status().code(), StatusCode::kDisconnected);
}

}  // namespace
}  // namespace rayx
