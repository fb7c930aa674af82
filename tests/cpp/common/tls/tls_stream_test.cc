#include "common/tls/tls_stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <csignal>
#include <deque>

#include "common/base/limits.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "common/tls/tls_ends.h"
#include "testing/open_fds.h"

namespace rayx {
namespace {

Bytes Pattern(size_t size) {
  Bytes bytes(size);
  uint32_t state = 1;
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>((state = state * 1664525 + 1) >> 24);
  return bytes;
}

class TlsStreamTest : public testing::Test {
 protected:
  TlsContext dials_{KeyOf(1), kCluster, kDialer};
  TlsContext listens_{KeyOf(1), kCluster, kListener};
};

TEST_F(TlsStreamTest, BytesTravelBothWaysOnceBothHaveProvenTheKey) {
  const size_t fds_before = OpenFdCount();
  {
    TlsEnds ends(&dials_, &listens_, kListener);
    EXPECT_FALSE(ends.dialer.stream->proven() || ends.listener.stream->proven());
    EXPECT_FALSE(ends.dialer.stream->passes_fds());
    ends.Run();
    ASSERT_TRUE(ends.proven()) << ends.listener.failure.message();
    EXPECT_EQ(ends.listener.stream->identity().dialer, kDialer);
    EXPECT_EQ(ends.dialer.stream->identity().listener, kListener);
    EXPECT_LT(ends.from_dialer.size(), limits::kUnprovenBytesMax / 4);
    EXPECT_LT(ends.from_listener.size(), limits::kUnprovenBytesMax / 4);
    ends.Send(&ends.dialer, BytesOf("a question"));
    ends.Send(&ends.listener, BytesOf("an answer"));
    EXPECT_EQ(ends.listener.received, BytesOf("a question"));
    EXPECT_EQ(ends.dialer.received, BytesOf("an answer"));
  }
  EXPECT_EQ(OpenFdCount(), fds_before);
}

TEST_F(TlsStreamTest, ANodeThatJoinsKnowsNoIds) {
  TlsContext joins(KeyOf(1), ClusterId(), kDialer);
  TlsEnds ends(&joins, &listens_);
  ends.Run();
  ASSERT_TRUE(ends.proven());
  EXPECT_TRUE(ends.listener.stream->identity().cluster.IsNil());
}

TEST_F(TlsStreamTest, TheFirstWriteShakesHandsByItself) {
  TlsEnds ends(&dials_, &listens_);
  EXPECT_EQ(ends.dialer.Write(BytesOf("hello")), 0u) << "the peer has proven nothing yet";
  EXPECT_TRUE(ends.dialer.stream->write_wants_read());
  ends.Send(&ends.dialer, BytesOf("hello"));
  EXPECT_EQ(ends.listener.received, BytesOf("hello"));
}

TEST_F(TlsStreamTest, MuchTravelsWholeThroughSocketsThatFill) {
  const Bytes much = Pattern(5 << 20);
  TlsEnds ends(&dials_, &listens_);
  ends.Send(&ends.dialer, much);
  EXPECT_TRUE(ends.listener.received == much);
  ends.Send(&ends.listener, much);
  EXPECT_TRUE(ends.dialer.received == much);
}

// Who writes before the socket has room offers the bytes again, among them those that TLS holds.
TEST_F(TlsStreamTest, NothingIsLostOrDoubledIfTheSocketIsFullAndTheOwnerOffersMore) {
  TlsEnds ends(&dials_, &listens_);
  ends.Run();
  const Bytes much = Pattern(8 << 20);
  size_t offered = 1000;
  size_t taken = 0;
  bool was_full = false;
  while (taken < much.size()) {
    // More and more is offered; what was offered and not taken stays at the front.
    offered = std::min(much.size(), std::max(offered, taken) + 70'001);
    const size_t more = ends.dialer.Write(std::span(much).subspan(taken, offered - taken));
    taken += more;
    if (more != 0) continue;
    was_full = true;
    EXPECT_FALSE(ends.dialer.stream->write_wants_read() || ends.dialer.stream->read_wants_write());
    ends.Run();
  }
  ends.Run();
  EXPECT_TRUE(was_full);
  EXPECT_TRUE(ends.listener.received == much);
}

TEST_F(TlsStreamTest, ReadsIntoSmallRooms) {
  TlsEnds ends(&dials_, &listens_);
  const Bytes much = Pattern(100'000);
  ends.Run();
  ASSERT_GT(ends.dialer.Write(much), 0u);
  ends.Send(&ends.dialer, BytesOf("!"));  // the relay passes what was written
  ASSERT_TRUE(ends.listener.stream);
  Bytes received = ends.listener.received;
  EXPECT_GE(received.size(), 60'000u);
  EXPECT_TRUE(std::equal(received.begin(), received.begin() + 60'000, much.begin()));
}

TEST_F(TlsStreamTest, ItTellsOfWhatTheSocketDoesNot) {
  TlsEnds ends(&dials_, &listens_);
  ends.Run();
  auto sockets = SocketPair();
  Bytes room(100);
  ASSERT_EQ(ends.dialer.Write(Pattern(1000)), 1000u);
  const Bytes record = ReadRaw(ends.beside_dialer.get());
  WriteRaw(ends.beside_listener.get(), record);
  TlsStream* listener = ends.listener.stream.get();
  EXPECT_FALSE(listener->holds_bytes());
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(listener->Read(room).value().bytes, 100u);
    EXPECT_EQ(listener->holds_bytes(), i < 9);
  }
  EXPECT_TRUE(listener->Read(room).value().would_block);
}

// Its owner would read in vain until the rest comes.
TEST_F(TlsStreamTest, APartOfARecordIsNothingToRead) {
  TlsEnds ends(&dials_, &listens_);
  ends.Run();
  ASSERT_EQ(ends.dialer.Write(Pattern(1000)), 1000u);
  ASSERT_EQ(ends.dialer.Write(Pattern(1000)), 1000u);
  const Bytes records = ReadRaw(ends.beside_dialer.get());
  TlsStream* listener = ends.listener.stream.get();
  Bytes room(4096);
  size_t received = 0;
  for (const uint8_t& byte : records) {
    EXPECT_EQ(WriteRaw(ends.beside_listener.get(), {&byte, 1}), 1u);
    received += listener->Read(room).value().bytes;
    EXPECT_FALSE(listener->holds_bytes());
  }
  EXPECT_EQ(received, 2000u);
  // A whole one, and a part of the next.
  ASSERT_EQ(ends.dialer.Write(Pattern(1000)), 1000u);
  ASSERT_EQ(ends.dialer.Write(Pattern(1000)), 1000u);
  const Bytes more = ReadRaw(ends.beside_dialer.get());
  WriteRaw(ends.beside_listener.get(), std::span(more).first(more.size() - 1));
  EXPECT_EQ(listener->Read(room).value().bytes, 1000u);
  EXPECT_FALSE(listener->holds_bytes());
  EXPECT_TRUE(listener->Read(room).value().would_block);
}

TEST_F(TlsStreamTest, AGoodbyeIsAnEndAndACutIsNot) {
  {
    TlsEnds ends(&dials_, &listens_);
    ends.Send(&ends.dialer, BytesOf("last words"));
    ends.dialer.stream.reset();
    ends.Run();
    EXPECT_EQ(ends.listener.received, BytesOf("last words"));
    EXPECT_TRUE(ends.listener.ended);
  }
  TlsEnds ends(&dials_, &listens_);
  ends.Send(&ends.dialer, BytesOf("last words"));
  ends.beside_listener.Reset();
  ends.listener.Read();
  EXPECT_EQ(ends.listener.received, BytesOf("last words"));
  EXPECT_FALSE(ends.listener.ended);
  EXPECT_EQ(ends.listener.failure.code(), StatusCode::kDisconnected);
  EXPECT_NE(ends.listener.failure.message().find("without a goodbye"), std::string::npos);
}

TEST_F(TlsStreamTest, APeerThatIsGoneRaisesNoSignalAndItsLastWordsAreRead) {
  ASSERT_EQ(std::signal(SIGPIPE, SIG_DFL), SIG_DFL);
  TlsEnds ends(&dials_, &listens_);
  ends.Run();
  ASSERT_EQ(ends.listener.Write(BytesOf("last words")), 10u);
  const Bytes record = ReadRaw(ends.beside_listener.get());
  WriteRaw(ends.beside_dialer.get(), record);
  ends.beside_dialer.Reset();
  TlsStream* dialer = ends.dialer.stream.get();
  Result<size_t> written = dialer->Write(BytesOf("x"), {});
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.status().code(), StatusCode::kDisconnected);
  EXPECT_FALSE(dialer->Write(BytesOf("x"), {}).ok());
  Bytes room(100);
  EXPECT_EQ(dialer->Read(room).value().bytes, 10u);
  EXPECT_FALSE(dialer->Read(room).ok());
}

TEST_F(TlsStreamTest, KeysChangeAfterSoManyRecords) {
  TlsContext dials(KeyOf(1), kCluster, kDialer, 4);
  TlsEnds plain(&dials_, &listens_);
  TlsEnds ends(&dials, &listens_);
  plain.Run();
  ends.Run();
  Bytes expected;
  for (int i = 0; i < 100; ++i) {
    const Bytes some = Pattern(static_cast<size_t>(1 + i * 997 % 40'000));
    plain.Send(&plain.dialer, some);
    ends.Send(&ends.dialer, some);
    ends.Send(&ends.listener, BytesOf("ok"));
    expected.insert(expected.end(), some.begin(), some.end());
  }
  EXPECT_TRUE(ends.listener.received == expected);
  EXPECT_EQ(ends.dialer.received.size(), 200u);
  // Each change is a record of its own.
  EXPECT_GT(ends.from_dialer.size(), plain.from_dialer.size() + 20 * 20);
}

TEST_F(TlsStreamTest, OneByteAtATime) {
  TlsEnds ends(&dials_, &listens_);
  std::deque<uint8_t> to_listener;
  std::deque<uint8_t> to_dialer;
  const auto take = [](int socket, std::deque<uint8_t>* queue) {
    const Bytes bytes = ReadRaw(socket);
    queue->insert(queue->end(), bytes.begin(), bytes.end());
  };
  const auto pass_one = [](std::deque<uint8_t>* queue, int socket) {
    if (queue->empty()) return false;
    EXPECT_EQ(WriteRaw(socket, {&queue->front(), 1}), 1u);
    queue->pop_front();
    return true;
  };
  bool sent = false;
  bool moved = true;
  while (moved) {
    ends.dialer.Read(1);
    ends.listener.Read(1);
    if (ends.proven() && !sent) {
      sent = true;
      EXPECT_EQ(ends.dialer.Write(Pattern(300)), 300u);
    }
    take(ends.beside_dialer.get(), &to_listener);
    take(ends.beside_listener.get(), &to_dialer);
    moved = pass_one(&to_listener, ends.beside_listener.get());
    moved = pass_one(&to_dialer, ends.beside_dialer.get()) || moved;
  }
  EXPECT_EQ(ends.listener.received, Pattern(300));
}

// ---- under a connection
// ---------------------------------------------------------------------------

class TlsConnectionTest : public TlsStreamTest {
 protected:
  static constexpr int64_t kPatienceMs = 20'000;

  // One end of a connection between two streams without a relay.
  struct End {
    std::unique_ptr<Connection> connection;
    std::vector<Bytes> received;
    std::vector<Status> closed;
  };

  void SetUp() override {
    auto sockets = SocketPair();
    ASSERT_TRUE(sockets.ok());
    Make(&dialer_, dials_.Dial(std::move(sockets->first), kListener));
    Make(&listener_, listens_.Accept(std::move(sockets->second)));
  }

  void Make(End* end, std::unique_ptr<TlsStream> stream) {
    Connection::Handlers handlers;
    handlers.on_frames = [end] {
      while (std::optional<Frame> frame = end->connection->NextFrame()) {
        end->received.emplace_back(frame->payload.begin(), frame->payload.end());
      }
    };
    handlers.on_closed = [end](const Status& reason) { end->closed.push_back(reason); };
    end->connection =
        std::make_unique<Connection>(&loop_, std::move(stream), 1 << 20, std::move(handlers));
  }

  void RunUntil(const std::function<bool()>& done) {
    const auto watchdog = loop_.CallAt(loop_.now_ms() + kPatienceMs, [this] {
      ADD_FAILURE() << "nothing happened";
      loop_.Stop();
    });
    loop_.Run([&] {
      for (End* end : {&dialer_, &listener_}) {
        if (end->connection) end->connection->Flush();
      }
      if (done()) loop_.Stop();
      return false;
    });
  }

  EventLoop loop_;
  End dialer_;
  End listener_;
};

TEST_F(TlsConnectionTest, FramesTravel) {
  const Bytes large = Pattern(1 << 20);
  for (int i = 0; i < 20; ++i) {
    dialer_.connection->Send(1, large);
    listener_.connection->Send(2, large);
  }
  RunUntil([&] { return dialer_.received.size() == 20 && listener_.received.size() == 20; });
  for (const Bytes& frame : dialer_.received) ASSERT_TRUE(frame == large);
  for (const Bytes& frame : listener_.received) ASSERT_TRUE(frame == large);
  dialer_.connection->Close(Status::Disconnected("enough"));
  RunUntil([&] { return !listener_.closed.empty(); });
  EXPECT_EQ(listener_.closed[0].message(), "the peer closed the connection");
}

TEST_F(TlsConnectionTest, WhatComesWhileReadingIsPausedIsHeardAfterwards) {
  listener_.connection->PauseReading(true);
  listener_.connection->Send(2, BytesOf("welcome"));
  dialer_.connection->Send(1, BytesOf("hello"));
  RunUntil([&] { return dialer_.received.size() == 1; });
  EXPECT_TRUE(listener_.received.empty());
  listener_.connection->PauseReading(false);
  RunUntil([&] { return listener_.received.size() == 1; });
}

// The listener's write finishes the handshake, and brings the hello that came with it out of the
// socket, which is silent then.
TEST_F(TlsConnectionTest, WhatAWriteHasReadIsHeard) {
  auto sockets = SocketPair();
  Make(&listener_, listens_.Accept(std::move(sockets->second)));
  const auto dialer = dials_.Dial(std::move(sockets->first), kListener);
  Bytes hello;
  AppendFrame(1, BytesOf("hello"), &hello);
  EXPECT_EQ(dialer->Write(hello, {}).value(), 0u);
  listener_.connection->ReadNow();
  EXPECT_EQ(dialer->Write(hello, {}).value(), hello.size());
  listener_.connection->Send(2, BytesOf("welcome"));
  listener_.connection->Flush();
  EXPECT_EQ(listener_.connection->backlog_bytes(), 0u) << "the write has shaken hands";
  RunUntil([&] { return listener_.received.size() == 1; });
}

TEST_F(TlsConnectionTest, AnIdleConnectionCostsNoTurns) {
  dialer_.connection->Send(1, BytesOf("hello"));
  RunUntil([&] { return listener_.received.size() == 1; });
  const uint64_t before = loop_.turn();
  bool over = false;
  const auto later = loop_.CallAt(loop_.now_ms() + 100, [&] { over = true; });
  RunUntil([&] { return over; });
  EXPECT_LT(loop_.turn(), before + 10);
}

TEST_F(TlsConnectionTest, DescriptorsAreRefused) {
  std::vector<ScopedFd> fds;
  fds.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_DEATH(dialer_.connection->Send(1, {}, std::move(fds)), "passes_fds");
}

}  // namespace
}  // namespace rayx
