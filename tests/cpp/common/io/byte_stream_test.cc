#include "common/io/byte_stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/limits.h"
#include "common/io/connection_fixture.h"
#include "testing/open_fds.h"

namespace rayx {
namespace {

TEST(UnixStream, BytesAndDescriptorsTravel) {
  const size_t fds_before = OpenFdCount();
  {
    auto sockets = SocketPair();
    ASSERT_TRUE(sockets.ok());
    UnixStream sender(std::move(sockets->first));
    UnixStream receiver(std::move(sockets->second));
    ASSERT_TRUE(SetNonBlocking(receiver.fd(), true).ok());
    std::array<uint8_t, 8> room;
    EXPECT_TRUE(receiver.Read(room).value().would_block);

    const std::array<uint8_t, 3> bytes{1, 2, 3};
    const int fd = receiver.fd();
    ASSERT_TRUE(sender.passes_fds());
    EXPECT_EQ(sender.Write(bytes, {&fd, 1}).value(), 3u);
    Result<ReadOutcome> outcome = receiver.Read(room);
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(outcome->bytes, 3u);
    EXPECT_EQ(outcome->fds.size(), 1u);
    EXPECT_FALSE(receiver.holds_bytes() || receiver.read_wants_write() ||
                 receiver.write_wants_read());
  }
  EXPECT_EQ(OpenFdCount(), fds_before) << "a stream closes its socket";
}

// ---- streams that are no Unix sockets
// ------------------------------------------------------------

// Takes all that has arrived out of the socket at once, as TLS does by the record, and hands out a
// few bytes a time.
class HoldingStream final : public ByteStream {
 public:
  static constexpr size_t kBytesAtATime = 1000;

  explicit HoldingStream(ScopedFd socket) : under_(std::move(socket)) {}

  int fd() const override { return under_.fd(); }
  bool passes_fds() const override { return false; }
  bool holds_bytes() const override { return begin_ != held_.size(); }
  Result<size_t> Write(std::span<const uint8_t> bytes, std::span<const int> fds) override {
    EXPECT_TRUE(fds.empty());
    return under_.Write(bytes, {});
  }
  Result<ReadOutcome> Read(std::span<uint8_t> room) override {
    if (!holds_bytes()) {
      held_.resize(4u << 20);
      begin_ = 0;
      Result<ReadOutcome> outcome = under_.Read(held_);
      held_.resize(outcome.ok() ? outcome->bytes : 0);
      if (held_.empty()) return outcome;
    }
    ReadOutcome outcome;
    outcome.bytes = std::min({room.size(), kBytesAtATime, held_.size() - begin_});
    std::copy_n(held_.begin() + static_cast<std::ptrdiff_t>(begin_), outcome.bytes, room.begin());
    begin_ += outcome.bytes;
    return outcome;
  }

 private:
  UnixStream under_;
  Bytes held_;
  size_t begin_ = 0;
};

class HoldingStreamTest : public ConnectionTest {
 protected:
  std::unique_ptr<ByteStream> MakeStream(ScopedFd socket) override {
    return std::make_unique<HoldingStream>(std::move(socket));
  }
};

TEST_F(HoldingStreamTest, WhatLiesInTheStreamIsReadThoughTheSocketIsEmpty) {
  // More than is read in a turn, so that the stream still has some when the turn ends.
  const size_t count = 3 * limits::kPeerReadBytesPerTurn / 500;
  for (size_t i = 0; i < count; ++i) WriteFrame(1, Bytes(490, static_cast<uint8_t>(i)));
  RunUntil([&] { return received_.size() == count; });
  ASSERT_EQ(received_.size(), count);
  for (size_t i = 0; i < count; ++i) EXPECT_EQ(received_[i], Bytes(490, static_cast<uint8_t>(i)));
  EXPECT_GT(bytes_in_turn_.size(), 2u) << "a turn reads no more than its budget";
}

TEST_F(HoldingStreamTest, WhatLiesInTheStreamWaitsForThePauseToEnd) {
  const size_t count = 3 * limits::kPeerReadBytesPerTurn / 500;
  for (size_t i = 0; i < count; ++i) WriteFrame(1, Bytes(490, 7));
  RunUntil([&] { return !received_.empty(); });
  connection_->PauseReading(true);
  const size_t before = received_.size();
  ASSERT_LT(before, count);
  int turns = 0;
  RunUntil([&] {
    loop_.Post([] {});
    return ++turns == 4;
  });
  EXPECT_EQ(received_.size(), before);
  connection_->PauseReading(false);
  RunUntil([&] { return received_.size() == count; });
}

TEST_F(HoldingStreamTest, DescriptorsAreRefused) {
  std::vector<ScopedFd> fds;
  fds.emplace_back(::dup(peer_.get()));
  EXPECT_DEATH(connection_->Send(1, {}, std::move(fds)), "passes_fds");
}

// Shakes hands first, the way round that TLS may ask for at any time: the first Read writes, the
// first Write reads.
class ShakingStream final : public ByteStream {
 public:
  explicit ShakingStream(ScopedFd socket) : under_(std::move(socket)) {}

  int fd() const override { return under_.fd(); }
  bool passes_fds() const override { return false; }
  bool read_wants_write() const override { return read_wants_write_; }
  bool write_wants_read() const override { return write_wants_read_; }
  // How often either was asked for.
  int tries() const { return tries_; }
  Result<ReadOutcome> Read(std::span<uint8_t> room) override {
    ++tries_;
    if (!greeted_) {
      const uint8_t greeting = 'g';
      greeted_ = under_.Write({&greeting, 1}, {}).value() == 1;
      read_wants_write_ = !greeted_;
      if (!greeted_) return WouldBlock();
    }
    return Hear() ? under_.Read(room) : Result<ReadOutcome>(WouldBlock());
  }
  Result<size_t> Write(std::span<const uint8_t> bytes, std::span<const int>) override {
    ++tries_;
    write_wants_read_ = !Hear();
    return write_wants_read_ ? Result<size_t>(size_t{0}) : under_.Write(bytes, {});
  }

 private:
  static ReadOutcome WouldBlock() {
    ReadOutcome outcome;
    outcome.would_block = true;
    return outcome;
  }
  // Whether the peer's greeting has come.
  bool Hear() {
    uint8_t greeting = 0;
    if (!heard_) heard_ = under_.Read({&greeting, 1}).value().bytes == 1;
    return heard_;
  }

  UnixStream under_;
  int tries_ = 0;
  bool greeted_ = false;
  bool heard_ = false;
  bool read_wants_write_ = false;
  bool write_wants_read_ = false;
};

class ShakingStreamTest : public ConnectionTest {
 protected:
  std::unique_ptr<ByteStream> MakeStream(ScopedFd socket) override {
    auto stream = std::make_unique<ShakingStream>(std::move(socket));
    stream_ = stream.get();
    return stream;
  }
  void RunTurns(int count) {
    RunUntil([&] {
      loop_.Post([] {});
      return --count == 0;
    });
  }

  const ShakingStream* stream_ = nullptr;
};

TEST_F(ShakingStreamTest, AReadThatWaitsForTheSocketToBeWrittenGoesOnThen) {
  const Bytes filling(1 << 20, 0);
  while (::send(connection_->fd(), filling.data(), filling.size(), MSG_DONTWAIT) > 0) {
  }
  ASSERT_EQ(Write(BytesOf("g")), 1u);
  RunTurns(50);
  EXPECT_TRUE(closed_.empty());
  EXPECT_LT(stream_->tries(), 5) << "it is not asked again and again while the socket is full";
  EXPECT_GT(ReadAll().size(), filling.size() / 8);
  Bytes greeting;
  RunUntil([&] {
    loop_.Post([] {});
    const Bytes more = ReadAll();
    greeting.insert(greeting.end(), more.begin(), more.end());
    return !greeting.empty() && greeting.back() == 'g';
  });
}

TEST_F(ShakingStreamTest, AWriteThatWaitsForTheSocketToBeReadGoesOnThen) {
  connection_->Send(5, BytesOf("after the greeting"));
  RunTurns(50);
  EXPECT_GT(connection_->backlog_bytes(), 0u);
  EXPECT_LT(stream_->tries(), 5)
      << "it is not asked again and again before the peer says something";
  ASSERT_EQ(Write(BytesOf("g")), 1u);
  RunUntil([&] { return connection_->backlog_bytes() == 0; });
  Bytes expected;
  AppendFrame(5, BytesOf("after the greeting"), &expected);
  expected.push_back('g');
  EXPECT_EQ(ReadAll(), expected);
}

TEST_F(ShakingStreamTest, AWriteGoesOnWhileReadingIsPaused) {
  connection_->PauseReading(true);
  connection_->Send(5, BytesOf("x"));
  RunTurns(2);
  ASSERT_EQ(Write(BytesOf("g")), 1u);
  RunUntil([&] { return connection_->backlog_bytes() == 0; });
}

}  // namespace
}  // namespace rayx
