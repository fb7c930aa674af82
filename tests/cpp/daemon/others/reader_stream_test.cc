#include "daemon/others/reader_stream.h"

#include "common/io/connection.h"
#include "daemon/codecs/copy_codec.h"
#include "daemon/others/value_streams_fixture.h"

namespace rayx::daemon {
namespace {

// A reader that the test is.
class ReaderStreamTest : public ValueStreamsFixture {
 protected:
  std::unique_ptr<Connection> Dial() {
    auto pair = SocketPair().value();
    giver_.values.Take(kReader, std::make_unique<UnixStream>(std::move(pair.second)));
    return std::make_unique<Connection>(
        &loop_, std::make_unique<UnixStream>(std::move(pair.first)), 1 << 20,
        Connection::Handlers{.on_frames = [] {},
                             .on_closed = [this](const Status&) { ++closed_; },
                             .on_dirty = [] {}});
  }
  void Ask(Connection& reader, const ObjectId& id, transfer::Version version, uint32_t chunk) {
    Send(reader,
         transfer::ToSource(transfer::AskChunk{{.id = id, .version = version, .chunk = chunk}}));
    reader.Flush();
  }
  transfer::Version VersionOf(const ObjectId& id) {
    return giver_.remote().copies().VersionOf(id, kNoClient);
  }
  // What the giver says next, beside bytes.
  FromSource Next(Connection& reader) {
    std::optional<FromSource> said;
    RunUntil([&] {
      if (said) return true;
      const std::optional<Frame> frame = reader.NextFrame();
      if (!frame) return false;
      if (frame->type == static_cast<uint16_t>(protocol::NodeMessageType::ChunkBytes)) {
        bytes_ += frame->payload.size();
        return false;
      }
      said = ReadFromSource(*frame).value();
      return true;
    });
    return said.value();
  }
  uint64_t pinned() { return giver_.store().Stats().pinned_bytes; }

  static inline const NodeId kReader = testing::NumberedId<NodeId>(9);
  int closed_ = 0;
  uint64_t bytes_ = 0;
};

TEST_F(ReaderStreamTest, WhatIsAskedForIsPinnedUntilItIsLeftOrTheStreamIsGone) {
  Give(one_, Pattern(2'000'000, 1));
  const transfer::Version version = VersionOf(one_);
  const auto reader = Dial();
  Ask(*reader, one_, version, 1);
  const FromSource said = Next(*reader);
  EXPECT_EQ(std::get<ChunkBegins>(said).size_bytes, 2'000'000 - transfer::kChunkBytes);
  EXPECT_EQ(pinned(), 2'000'000u);
  Send(*reader, transfer::ToSource(transfer::LeaveCopy{one_}));
  reader->Flush();
  RunUntil([&] { return pinned() == 0; });
  Ask(*reader, one_, version, 0);
  RunUntil([&] { return pinned() > 0; });
  giver_.values.OnNodeGone(kReader);
  RunUntil([&] { return pinned() == 0 && closed_ == 1; });
}

TEST_F(ReaderStreamTest, ANewStreamOfAReaderIsTheEndOfItsLast) {
  Give(one_, Pattern(2'000'000, 1));
  const transfer::Version version = VersionOf(one_);
  const auto first = Dial();
  Ask(*first, one_, version, 0);
  RunUntil([&] { return pinned() > 0; });
  const auto second = Dial();
  RunUntil([&] { return pinned() == 0 && closed_ == 1; });
  Ask(*second, one_, version, 0);
  EXPECT_TRUE(std::holds_alternative<ChunkBegins>(Next(*second)));
}

TEST_F(ReaderStreamTest, AnotherVersionIsMissing) {
  Give(one_, Pattern(1000, 1));
  const auto reader = Dial();
  Ask(*reader, one_, VersionOf(one_) + 1, 0);
  EXPECT_TRUE(std::holds_alternative<transfer::CopyMissing>(Next(*reader)));
  Ask(*reader, two_, 1, 0);
  EXPECT_EQ(std::get<transfer::CopyMissing>(Next(*reader)).id, two_);
  EXPECT_EQ(pinned(), 0u);
}

TEST_F(ReaderStreamTest, WhoAsksForNoChunkIsClosed) {
  Give(one_, Pattern(1000, 1));
  const auto reader = Dial();
  Ask(*reader, one_, VersionOf(one_), 1);
  RunUntil([&] { return closed_ == 1 && pinned() == 0; });
}

TEST_F(ReaderStreamTest, WhoAsksForMoreThanAReaderMayIsClosed) {
  Give(one_, Pattern(7 << 20, 1));
  const transfer::Version version = VersionOf(one_);
  const auto reader = Dial();
  for (size_t i = 0; i < 200; ++i) {
    Send(*reader,
         transfer::ToSource(transfer::AskChunk{{.id = one_, .version = version, .chunk = 3}}));
  }
  reader->Flush();
  RunUntil([&] { return closed_ == 1 && pinned() == 0; });
}

TEST_F(ReaderStreamTest, WhoSaysAnythingElseIsClosed) {
  const auto reader = Dial();
  const std::vector<uint8_t> nonsense(64, 0xff);
  reader->Send(30, nonsense);
  reader->Flush();
  RunUntil([&] { return closed_ == 1; });
}

}  // namespace
}  // namespace rayx::daemon
