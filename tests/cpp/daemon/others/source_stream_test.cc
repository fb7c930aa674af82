#include "daemon/others/source_stream.h"

#include "daemon/others/value_streams_fixture.h"

namespace rayx::daemon {
namespace {

// ---- a source that says what no source says
// ------------------------------------------------------

class AgainstSource : public ValueStreamsFixture {
 protected:
  // The taker waits for chunk 0 of 1000 bytes, for which it was told of a source that the test is.
  void SetUp() override {
    Want(one_);
    Hear(node::remote::ObjectsReady{
        {{.id = one_, .size_bytes = 1000, .version = 7, .places = {kSource}}}});
    Hear(node::remote::UseSource{
        .source = {.id = one_, .number = 1, .version = 7, .size_bytes = 1000, .source = kSource}});
    ASSERT_NE(source_, nullptr) << "it was dialled";
    bool is_asked = false;
    RunTakerUntil([&] { return is_asked = is_asked || source_->NextFrame().has_value(); });
  }
  void Hear(node::remote::Message message) {
    std::deque<node::remote::Message> messages;
    messages.push_back(std::move(message));
    (void)taker_.Turn(messages, 0);
  }
  void Begin(uint64_t size_bytes) {
    Send(*source_, ChunkBegins{.name = {.id = one_, .version = 7}, .size_bytes = size_bytes});
  }
  void SendBytes(size_t bytes) {
    source_->Send(static_cast<uint16_t>(protocol::NodeMessageType::ChunkBytes),
                  std::vector<uint8_t>(bytes, 'x'));
  }
  void ExpectClosed() {
    source_->Flush();
    RunTakerUntil([&] { return is_closed_; });
    EXPECT_FALSE(IsHere(one_));
  }
  void RunTakerUntil(const std::function<bool()>& is_done) {
    std::deque<node::remote::Message> nothing;
    const int64_t end_ms = loop_.now_ms() + 20'000;
    std::unique_ptr<EventLoop::Timer> timer;
    loop_.Run([&] {
      timer = loop_.CallAt(loop_.now_ms() + 10, [] {});
      (void)taker_.Turn(nothing, loop_.now_ms());
      if (is_done() || loop_.now_ms() >= end_ms) loop_.Stop();
      return false;
    });
    EXPECT_TRUE(is_done());
  }

  static inline const NodeId kSource = testing::NumberedId<NodeId>(5);
  bool is_closed_ = false;
  std::unique_ptr<Connection> source_;
  Side taker_{&loop_, testing::NumberedId<NodeId>(3),
              [this](const NodeId&) -> Result<std::unique_ptr<ByteStream>> {
                auto pair = SocketPair().value();
                source_ = std::make_unique<Connection>(
                    &loop_, std::make_unique<UnixStream>(std::move(pair.second)), 1 << 20,
                    Connection::Handlers{.on_frames = [] {},
                                         .on_closed = [this](const Status&) { is_closed_ = true; },
                                         .on_dirty = [] {}});
                return {std::make_unique<UnixStream>(std::move(pair.first))};
              }};
  bool IsHere(const ObjectId& id) { return taker_.store().IsSealed(id); }
  void Want(const ObjectId& id) {
    taker_.remote().OnSessionBegun(kSession, giver_.id);
    taker_.store().AddClientReference(kAda, id);
    taker_.remote().Named(kSession, {{id}});
    taker_.store().Get(kAda, id, /*pin=*/true);
  }
};

TEST_F(AgainstSource, AChunkOfItsSizeIsTaken) {
  Begin(1000);
  SendBytes(400);
  SendBytes(600);
  source_->Flush();
  RunTakerUntil([&] { return IsHere(one_); });
}

TEST_F(AgainstSource, AChunkOfAnotherSizeIsNone) {
  Begin(999);
  ExpectClosed();
}

TEST_F(AgainstSource, NorIsOneOfNoBytes) {
  Begin(0);
  ExpectClosed();
}

TEST_F(AgainstSource, NorOneLargerThanAllChunks) {
  Begin(transfer::kChunkBytes + 1);
  ExpectClosed();
}

TEST_F(AgainstSource, BytesBeyondAChunkAreNotWritten) {
  Begin(1000);
  SendBytes(1001);
  ExpectClosed();
}

TEST_F(AgainstSource, BytesOfNoChunkAreNotWritten) {
  SendBytes(10);
  ExpectClosed();
}

TEST_F(AgainstSource, NothingIsSaidInTheMiddleOfAChunk) {
  Begin(1000);
  SendBytes(400);
  Begin(1000);
  ExpectClosed();
}

TEST_F(AgainstSource, AQuestionIsNoAnswer) {
  Send(*source_, transfer::ToSource(transfer::LeaveCopy{one_}));
  ExpectClosed();
}

TEST_F(AgainstSource, WhatItDidNotAskForIsThrownAway) {
  Send(*source_, ChunkBegins{.name = {.id = two_, .version = 7}, .size_bytes = 100});
  SendBytes(100);
  Send(*source_, ChunkBegins{.name = {.id = one_, .version = 8}, .size_bytes = 1000});
  SendBytes(1000);
  Begin(1000);
  SendBytes(1000);
  source_->Flush();
  RunTakerUntil([&] { return IsHere(one_); });
}

}  // namespace
}  // namespace rayx::daemon
