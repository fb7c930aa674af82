#include "daemon/messages/message_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "common/base/limits.h"
#include "common/io/socket.h"

namespace rayx::daemon {
namespace {

TEST(MessageWriter, WhatIsSentArrivesWithItsTypeAndDescriptors) {
  EventLoop loop;
  auto sockets = SocketPair();
  ASSERT_TRUE(sockets.ok());
  std::unique_ptr<Connection> receiver;
  std::vector<std::string> texts;
  const auto on_frames = [&] {
    while (const auto frame = receiver->NextFrame()) {
      EXPECT_EQ(frame->type, static_cast<uint16_t>(protocol::MessageType::TaskFailed));
      const auto* message = VerifiedMessage<protocol::TaskFailed>(frame->payload);
      ASSERT_NE(message, nullptr);
      texts.push_back(message->text()->str());
    }
  };
  receiver =
      std::make_unique<Connection>(&loop, std::make_unique<UnixStream>(std::move(sockets->first)),
                                   limits::kFrameBytesMax, Connection::Handlers{on_frames, {}, {}});
  Connection sender(&loop, std::make_unique<UnixStream>(std::move(sockets->second)),
                    limits::kFrameBytesMax, {});
  MessageWriter writer;
  for (const char* text : {"first", "second"}) {
    std::vector<ScopedFd> fds;
    fds.push_back(ScopedFd(::dup(STDERR_FILENO)));
    writer.Send(
        sender, protocol::MessageType::TaskFailed,
        [&](flatbuffers::FlatBufferBuilder& builder) {
          return protocol::CreateTaskFailed(builder, builder.CreateString(text));
        },
        std::move(fds));
  }
  sender.Flush();
  loop.Run([&] {
    if (texts.size() == 2) loop.Stop();
    return false;
  });
  EXPECT_EQ(texts, (std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(receiver->TakeFds().size(), 2u);
}

TEST(Verified, RefusesWhatIsNoMessage) {
  const std::vector<uint8_t> junk(64, 0xff);
  EXPECT_EQ(VerifiedMessage<protocol::TaskFailed>(junk), nullptr);
  EXPECT_EQ(VerifiedMessage<protocol::TaskFailed>({}), nullptr);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateTaskFailed(builder, builder.CreateString("text")));
  const std::span<const uint8_t> whole(builder.GetBufferPointer(), builder.GetSize());
  const auto* message = VerifiedMessage<protocol::TaskFailed>(whole);
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(message->text()->str(), "text");
  EXPECT_EQ(VerifiedMessage<protocol::TaskFailed>(whole.first(whole.size() - 4)), nullptr);
}

TEST(BytesOf, AnAbsentFieldIsEmpty) {
  EXPECT_TRUE(BytesOf(static_cast<const flatbuffers::Vector<uint8_t>*>(nullptr)).empty());
  EXPECT_EQ(BytesOf("abc").size(), 3u);
}

}  // namespace
}  // namespace rayx::daemon
