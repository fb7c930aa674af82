#include "daemon/codecs/copy_codec.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/io/event_loop.h"
#include "common/io/socket.h"
#include "common/protocol/generated/remote_generated.h"
#include "common/protocol/wire_ids.h"
#include "testing/task_builder.h"

namespace rayx::daemon {
namespace {

using protocol::PeerMessageType;
using testing::NumberedId;
using testing::ResultOf;

// What is said about a message in a session; "" if it is taken.
template <typename Message>
std::string Answer(const Message& message) {
  flatbuffers::FlatBufferBuilder builder;
  const PeerMessageType type = Write(message, &builder);
  node::remote::Message read;
  const Status status =
      ReadAboutCopies(type, {builder.GetBufferPointer(), builder.GetSize()}, &read);
  if (status.ok()) {
    EXPECT_TRUE(std::holds_alternative<Message>(read));
  } else {
    EXPECT_EQ(status.code(), StatusCode::kProtocolError);
  }
  return std::string(status.message());
}

class CopyCodec : public ::testing::Test {
 protected:
  static node::remote::UseSource Use() {
    return {.source = {.id = ResultOf(1),
                       .number = 1,
                       .version = 7,
                       .size_bytes = 100,
                       .source = NumberedId<NodeId>(3)}};
  }
};

TEST_F(CopyCodec, WhatNoNodeSaysInASessionIsRefused) {
  EXPECT_EQ(Answer(transfer::AskSource{.id = ResultOf(1), .number = 1}), "");
  EXPECT_EQ(Answer(transfer::AskSource{.id = ResultOf(1)}), "a question without a number");
  EXPECT_EQ(Answer(transfer::CopyWhole{}), "a nil object");
  EXPECT_EQ(Answer(transfer::LeaveSource{}), "a nil object");
  EXPECT_EQ(Answer(Use()), "");
  node::remote::UseSource use = Use();
  use.source.size_bytes = 0;
  EXPECT_EQ(Answer(use), "a size that no value has");
  use.source.size_bytes = kValueBytesMax;
  EXPECT_EQ(Answer(use), "");
  use.source.size_bytes = kValueBytesMax + 1;
  EXPECT_EQ(Answer(use), "a size that no value has");
  use = Use();
  use.source.source = NodeId();
  EXPECT_EQ(Answer(use), "a nil node");
  use = Use();
  use.contained = {ObjectId()};
  EXPECT_EQ(Answer(use), "a nil object in a value");
  use.contained.assign(limits::kIdsPerMessageMax, ResultOf(2));
  EXPECT_EQ(Answer(use), "");
  use.contained.push_back(ResultOf(2));
  EXPECT_EQ(Answer(use), "too many ids");
}

// A stream for bulk, on which the test says things, and what arrives.
class CopyCodecOnStreams : public ::testing::Test {
 protected:
  CopyCodecOnStreams() {
    auto pair = SocketPair().value();
    said_ = Make(std::move(pair.first));
    heard_ = Make(std::move(pair.second));
  }
  std::unique_ptr<Connection> Make(ScopedFd fd) {
    return std::make_unique<Connection>(
        &loop_, std::make_unique<UnixStream>(std::move(fd)), 1 << 20,
        Connection::Handlers{
            .on_frames = [] {}, .on_closed = [](const Status&) {}, .on_dirty = [] {}});
  }
  Frame Arrived() {
    said_->Flush();
    heard_->ReadNow();
    return heard_->NextFrame().value();
  }

  EventLoop loop_;
  std::unique_ptr<Connection> said_;
  std::unique_ptr<Connection> heard_;
};

TEST_F(CopyCodecOnStreams, WhatIsSaidArrives) {
  const transfer::ChunkName name = {.id = ResultOf(1), .version = 1ull << 63, .chunk = 5};
  Send(*said_, transfer::ToSource(transfer::AskChunk{name}));
  EXPECT_EQ(std::get<transfer::AskChunk>(ReadToSource(Arrived()).value()).name, name);
  Send(*said_, transfer::ToSource(transfer::LeaveCopy{name.id}));
  EXPECT_EQ(std::get<transfer::LeaveCopy>(ReadToSource(Arrived()).value()).id, name.id);
  Send(*said_, transfer::CopyMissing{.id = name.id, .version = 9});
  const auto missing = std::get<transfer::CopyMissing>(ReadFromSource(Arrived()).value());
  EXPECT_EQ(missing.id, name.id);
  EXPECT_EQ(missing.version, 9u);
  Send(*said_, ChunkBegins{.name = name, .size_bytes = 1000});
  const auto begins = std::get<ChunkBegins>(ReadFromSource(Arrived()).value());
  EXPECT_EQ(begins.name, name);
  EXPECT_EQ(begins.size_bytes, 1000u);
}

TEST_F(CopyCodecOnStreams, EachSideSaysItsOwn) {
  Send(*said_, transfer::CopyMissing{.id = ResultOf(1), .version = 9});
  EXPECT_EQ(ReadToSource(Arrived()).status().message(), "a message that no puller says: type 32");
  Send(*said_, transfer::ToSource(transfer::LeaveCopy{ResultOf(1)}));
  EXPECT_EQ(ReadFromSource(Arrived()).status().message(), "a message that no source says: type 31");
  Send(*said_, transfer::ToSource(transfer::LeaveCopy{}));
  EXPECT_EQ(ReadToSource(Arrived()).status().message(), "a nil object");
  said_->Send(30, std::vector<uint8_t>(64, 0xff));
  EXPECT_EQ(ReadToSource(Arrived()).status().message(), "malformed");
}

}  // namespace
}  // namespace rayx::daemon
