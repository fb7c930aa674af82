#include "client/connection/template_channel.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "client/connection/frame_stream.h"
#include "client/connection/message.h"
#include "client/fake_node.h"
#include "common/io/socket.h"
#include "testing/open_fds.h"

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
  EXPECT_EQ(request->number, WorkerNumber(5));
  for (const int fd :
       {request->socket_fd, request->stdout_fd, request->stderr_fd, request->claim_fd}) {
    EXPECT_GE(fd, 0);
    const ScopedFd owned(fd);
  }
  EXPECT_FALSE(channel.NextRequest()->has_value());

  ASSERT_TRUE(channel.ReportForked(WorkerNumber(5), -1, 12).ok());
  const FakeNode::Received forked = node.Next();
  EXPECT_EQ(forked.As<protocol::WorkerForked>().error_number(), 12);
  ASSERT_TRUE(channel.ReportExited(77, 9).ok());
  const FakeNode::Received exited = node.Next();
  EXPECT_EQ(exited.As<protocol::WorkerExited>().wait_status(), 9);
  channel.Abandon();
  EXPECT_EQ(channel.fd(), -1);
}

TEST(TemplateChannelTest, ARequestForWhoseDescriptorsThereIsNoRoomFailsAndNothingElse) {
  auto [ours, theirs] = std::move(SocketPair()).value();
  auto adopted = TemplateChannel::Adopt(ours.Release());
  ASSERT_TRUE(adopted.ok());
  FrameStream node(std::move(theirs));
  const auto read_message = [&] {
    while (true) {
      const auto frame = node.Next();
      if (!frame.ok() || *frame) return frame;
      (void)node.Wait(true, false, 10'000);
      if (const Status read = node.ReadSome(); !read.ok())
        return Result<std::optional<Frame>>(read);
    }
  };
  EXPECT_EQ((*read_message())->type, static_cast<uint16_t>(MessageType::Hello));
  const auto request = [&](uint64_t number) {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(protocol::CreateForkWorker(builder, number));
    std::vector<uint8_t> bytes;
    AppendFrame(static_cast<uint16_t>(MessageType::ForkWorker), MessageBytes(builder), &bytes);
    const int fds[] = {0, 0, 0, 0};
    EXPECT_EQ(*WriteWithFds(node.fd(), bytes, fds), bytes.size());
  };
  request(5);
  {
    const FewFds few(3);
    const auto next = (*adopted)->NextRequest();
    ASSERT_TRUE(next.ok()) << next.status().ToString();
    EXPECT_FALSE(next->has_value());
  }
  const auto reply = read_message();
  const auto* forked = VerifiedMessage<protocol::WorkerForked>((*reply)->payload);
  ASSERT_NE(forked, nullptr);
  EXPECT_EQ(forked->number(), 5u);
  EXPECT_EQ(forked->error_number(), EMFILE);
  request(6);
  const auto next = (*adopted)->NextRequest();
  ASSERT_TRUE(next.ok() && next->has_value());
  for (const int fd :
       {(*next)->socket_fd, (*next)->stdout_fd, (*next)->stderr_fd, (*next)->claim_fd}) {
    const ScopedFd owned(fd);
  }
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
