#include "wire/dialled_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/io/socket.h"

namespace rayx::wire {
namespace {

// Takes and gives so many bytes at a time.
class ChoppedStream final : public ByteStream {
 public:
  ChoppedStream(ScopedFd socket, size_t bytes) : inner_(std::move(socket)), bytes_(bytes) {}
  int fd() const override { return inner_.fd(); }
  Result<ReadOutcome> Read(std::span<uint8_t> room) override {
    return inner_.Read(room.first(std::min(room.size(), bytes_)));
  }
  Result<size_t> Write(std::span<const uint8_t> bytes, std::span<const int>) override {
    return inner_.Write(bytes.first(std::min(bytes.size(), bytes_)), {});
  }
  bool passes_fds() const override { return false; }

 private:
  UnixStream inner_;
  const size_t bytes_;
};

class DialledStreamTest : public testing::TestWithParam<size_t> {
 protected:
  DialledStreamTest() {
    auto [ours, theirs] = std::move(SocketPair()).value();
    EXPECT_TRUE(SetNonBlocking(ours.get(), true).ok());
    EXPECT_TRUE(SetNonBlocking(theirs.get(), true).ok());
    peer_ = std::make_unique<UnixStream>(std::move(theirs));
    stream_ = std::make_unique<DialledStream>(
        std::make_unique<ChoppedStream>(std::move(ours), GetParam()), NodeId(), greeting_,
        DialledStream::Events{
            .on_admitted = [this](const NodeAdmission& given) { admission_ = given; },
            .on_refused = [this](const NodeRefusal& given) { refusal_ = given; }});
  }
  // What the peer has received; all of it.
  std::vector<uint8_t> Received() {
    std::vector<uint8_t> room(4096);
    const Result<ReadOutcome> outcome = peer_->Read(room);
    room.resize(outcome.ok() ? outcome->bytes : 0);
    return room;
  }
  void Answer(const std::vector<uint8_t>& bytes) {
    EXPECT_EQ(*peer_->Write(bytes, {}), bytes.size());
  }
  Result<ReadOutcome> Read(size_t bytes = 64) {
    read_.resize(bytes);
    return stream_->Read(read_);
  }

  const std::vector<uint8_t> greeting_ = EncodeGreeting({.node = NodeId::FromBytes(kId)}, "3.11");
  static constexpr uint8_t kId[16] = {7};
  std::unique_ptr<UnixStream> peer_;
  std::unique_ptr<DialledStream> stream_;
  std::optional<NodeAdmission> admission_;
  std::optional<NodeRefusal> refusal_;
  std::vector<uint8_t> read_;
};

TEST_P(DialledStreamTest, GreetsFirstAndCarriesBytesOnceItIsAdmitted) {
  const std::vector<uint8_t> bytes = {1, 2, 3};
  EXPECT_TRUE(stream_->read_wants_write()) << "the greeting has not left";
  EXPECT_EQ(*stream_->Write(bytes, {}), 0u);
  EXPECT_EQ(Received(), greeting_);
  EXPECT_FALSE(stream_->read_wants_write());
  EXPECT_TRUE(stream_->write_wants_read()) << "it waits for the answer";
  EXPECT_TRUE(Read()->would_block);

  // What follows the answer at once is not lost, and nothing of the answer is handed on.
  std::vector<uint8_t> answer = EncodeAnswer(NodeAdmission{NodeId::FromBytes(kId), {}, 2});
  answer.insert(answer.end(), {9, 8});
  Answer(answer);
  std::vector<uint8_t> got;
  while (got.size() < 2) {
    const Result<ReadOutcome> outcome = Read();
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    ASSERT_FALSE(outcome->would_block);
    got.insert(got.end(), read_.begin(), read_.begin() + static_cast<long>(outcome->bytes));
  }
  EXPECT_EQ(got, (std::vector<uint8_t>{9, 8}));
  ASSERT_TRUE(admission_);
  EXPECT_EQ(admission_->servers, 2u);
  EXPECT_FALSE(stream_->write_wants_read());
  size_t sent = 0;
  while (sent < bytes.size()) sent += *stream_->Write(std::span(bytes).subspan(sent), {});
  EXPECT_EQ(Received(), bytes);
}

TEST_P(DialledStreamTest, ARefusalFailsItWithTheReason) {
  EXPECT_TRUE(Read()->would_block);
  Answer(EncodeAnswer(NodeRefusal{"another Python", true}));
  const Status status = Read().status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("another Python"), std::string::npos) << status.message();
  ASSERT_TRUE(refusal_);
  EXPECT_TRUE(refusal_->declared_dead);
  EXPECT_EQ(stream_->Write(std::vector<uint8_t>{1}, {}).status().message(), status.message());
  EXPECT_FALSE(admission_);
}

TEST_P(DialledStreamTest, AnotherNodeThanTheOneThatWasMeantIsAsNone) {
  const uint8_t other[16] = {8};
  auto [ours, theirs] = std::move(SocketPair()).value();
  ASSERT_TRUE(SetNonBlocking(ours.get(), true).ok());
  peer_ = std::make_unique<UnixStream>(std::move(theirs));
  admission_.reset();
  stream_ = std::make_unique<DialledStream>(
      std::make_unique<ChoppedStream>(std::move(ours), GetParam()), NodeId::FromBytes(other),
      greeting_,
      DialledStream::Events{
          .on_admitted = [this](const NodeAdmission& given) { admission_ = given; },
          .on_refused = nullptr});
  EXPECT_TRUE(Read()->would_block);
  Answer(EncodeAnswer(NodeAdmission{NodeId::FromBytes(kId), {}, 0}));
  EXPECT_EQ(Read().status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(admission_);
}

TEST_P(DialledStreamTest, APeerThatEndsOrTalksNonsenseFailsIt) {
  EXPECT_TRUE(Read()->would_block);
  Answer(std::vector<uint8_t>(64, 0xff));
  EXPECT_EQ(Read().status().code(), StatusCode::kProtocolError);
}

TEST_P(DialledStreamTest, APeerThatEndsFailsIt) {
  EXPECT_TRUE(Read()->would_block);
  peer_.reset();
  EXPECT_EQ(Read().status().code(), StatusCode::kDisconnected);
}

INSTANTIATE_TEST_SUITE_P(BytesAtATime, DialledStreamTest, testing::Values(1, 3, 4096));

}  // namespace
}  // namespace rayx::wire
