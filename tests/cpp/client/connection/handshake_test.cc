#include "client/connection/handshake.h"

#include <gtest/gtest.h>

#include "client/fake_node.h"
#include "common/base/limits.h"

namespace rayx {
namespace {

TEST(HandshakeTest, AWelcomeBringsThePool) {
  FakeNode node;
  node.Serve(false);
  FrameStream stream{ScopedFd(node.client_fd())};
  const auto welcome =
      ShakeHands(&stream, {ClientRole::kWorker, DriverId(), WorkerNumber(7), "3.11", ""});
  ASSERT_TRUE(welcome.ok()) << welcome.status().ToString();
  EXPECT_EQ(welcome->pool_bytes, FakeNode::kPoolBytes);
  EXPECT_EQ(welcome->node.data()[0], 'n');
  EXPECT_TRUE(SharedMapping::Map(welcome->pool.get(), FakeNode::kPoolBytes, false).ok());
  EXPECT_FALSE(SharedMapping::Map(welcome->pool.get(), FakeNode::kPoolBytes, true).ok());
}

TEST(HandshakeTest, ARefusalIsAnError) {
  FakeNode node;
  node.Refuse("not you");
  node.Serve(false);
  FrameStream stream{ScopedFd(node.client_fd())};
  const auto welcome = ShakeHands(&stream, {});
  EXPECT_EQ(welcome.status().code(), StatusCode::kProtocolError);
  EXPECT_EQ(welcome.status().message(), "the node refused the connection: not you");
}

TEST(HandshakeTest, AnotherMessageIsAnError) {
  FakeNode node;
  node.Refuse("");
  node.Serve(false);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateDrained(builder));
  node.Send(protocol::MessageType::Drained, builder);
  FrameStream stream{ScopedFd(node.client_fd())};
  EXPECT_EQ(ShakeHands(&stream, {}).status().code(), StatusCode::kProtocolError);
}

TEST(HandshakeTest, TooLongAGreetingIsRefusedHere) {
  FakeNode node;
  FrameStream stream{ScopedFd(node.client_fd())};
  Greeting greeting;
  greeting.driver_config = std::string(limits::kHelloBytesMax, 'x');
  EXPECT_EQ(ShakeHands(&stream, greeting).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace rayx
