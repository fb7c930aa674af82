#include "common/io/checked_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace rayx {
namespace {

using Bytes = std::vector<uint8_t>;

// What one end writes is kept, and what the other reads is what the test makes of it.
class Cable final : public ByteStream {
 public:
  struct Ends {
    Bytes written;
    // So many bytes are taken by the next Write; and read by the next Read.
    size_t takes = SIZE_MAX;
    size_t gives = SIZE_MAX;
    size_t read = 0;
    bool is_over = false;
    Status failure;
  };
  explicit Cable(Ends* ends) : ends_(ends) {}

  int fd() const override { return -1; }
  bool passes_fds() const override { return false; }
  Result<ReadOutcome> Read(std::span<uint8_t> room) override {
    const size_t some = std::min({room.size(), ends_->written.size() - ends_->read, ends_->gives});
    if (some == 0 && !ends_->failure.ok()) return std::exchange(ends_->failure, Status::Ok());
    std::copy_n(ends_->written.begin() + static_cast<std::ptrdiff_t>(ends_->read), some,
                room.begin());
    ends_->read += some;
    ReadOutcome outcome;
    outcome.bytes = some;
    outcome.would_block = some == 0 && !ends_->is_over;
    return outcome;
  }
  Result<size_t> Write(std::span<const uint8_t> bytes, std::span<const int>) override {
    const size_t some = std::min(bytes.size(), ends_->takes);
    ends_->written.insert(ends_->written.end(), bytes.begin(),
                          bytes.begin() + static_cast<std::ptrdiff_t>(some));
    ends_->takes -= ends_->takes == SIZE_MAX ? 0 : some;
    return some;
  }

 private:
  Ends* const ends_;
};

class CheckedStreamTest : public ::testing::Test {
 protected:
  static Bytes Pattern(size_t size) {
    Bytes bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 251);
    return bytes;
  }
  void Say(const Bytes& bytes) { ASSERT_EQ(writer_.Write(bytes, {}).value(), bytes.size()); }
  // All that can be read, some bytes at a time; and how that ended.
  std::pair<Bytes, Result<ReadOutcome>> Hear(size_t at_a_time = 4096) {
    Bytes heard;
    Bytes room(at_a_time);
    for (;;) {
      Result<ReadOutcome> read = reader_.Read(room);
      if (!read.ok() || read->bytes == 0) return {heard, std::move(read)};
      heard.insert(heard.end(), room.begin(),
                   room.begin() + static_cast<std::ptrdiff_t>(read->bytes));
      EXPECT_TRUE(read->bytes == room.size() || is_told_ || !reader_.holds_bytes());
    }
  }

  // Something else than bytes is to be told.
  bool is_told_ = false;
  Cable::Ends ends_;
  CheckedStream writer_{std::make_unique<Cable>(&ends_)};
  CheckedStream reader_{std::make_unique<Cable>(&ends_)};
};

TEST_F(CheckedStreamTest, WhatIsWrittenIsRead) {
  Bytes all;
  for (const size_t size : {1u, 15u, 65'535u, 65'536u, 65'537u, 300'000u}) {
    const Bytes bytes = Pattern(size);
    Say(bytes);
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  const auto [heard, end] = Hear();
  EXPECT_EQ(heard, all);
  EXPECT_TRUE(end.value().would_block);
  ends_.is_over = true;
  EXPECT_FALSE(Hear().second.value().would_block) << "it ends as the stream under it does";
}

TEST_F(CheckedStreamTest, InWhateverPiecesItArrives) {
  const Bytes bytes = Pattern(100'000);
  Say(bytes);
  for (const size_t gives : {1u, 7u, 16u, 17u, 1000u}) {
    ends_.read = 0;
    ends_.gives = gives;
    CheckedStream reader(std::make_unique<Cable>(&ends_));
    Bytes heard(bytes.size());
    ASSERT_EQ(reader.Read(heard).value().bytes, bytes.size());
    EXPECT_EQ(heard, bytes);
    EXPECT_FALSE(reader.holds_bytes());
  }
}

TEST_F(CheckedStreamTest, ItHoldsWhatASmallRoomHasNotTaken) {
  Say(Pattern(10));
  Say(Pattern(10));
  Bytes room(4);
  EXPECT_FALSE(reader_.holds_bytes());
  ASSERT_EQ(reader_.Read(room).value().bytes, 4u);
  EXPECT_TRUE(reader_.holds_bytes());
  room.resize(6);
  ASSERT_EQ(reader_.Read(room).value().bytes, 6u);
  EXPECT_TRUE(reader_.holds_bytes()) << "the next record is there";
  EXPECT_EQ(Hear().first, Pattern(10));
  EXPECT_FALSE(reader_.holds_bytes());
}

TEST_F(CheckedStreamTest, ARecordIsTakenWhenAllOfItHasLeft) {
  const Bytes bytes = Pattern(70'000);
  ends_.takes = 65'000;
  EXPECT_EQ(writer_.Write(bytes, {}).value(), 0u);
  EXPECT_EQ(writer_.Write(bytes, {}).value(), 0u);
  ends_.takes = SIZE_MAX;
  EXPECT_EQ(writer_.Write(bytes, {}).value(), bytes.size());
  EXPECT_EQ(Hear().first, bytes);
}

TEST_F(CheckedStreamTest, EveryFlippedBitIsNoticed) {
  const Bytes first = Pattern(40);
  Say(first);
  Say(Pattern(25));
  const Bytes sent = ends_.written;
  for (size_t bit = 0; bit < sent.size() * 8; ++bit) {
    ends_.written = sent;
    ends_.written[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    ends_.read = 0;
    CheckedStream reader(std::make_unique<Cable>(&ends_));
    Bytes room(1000);
    Bytes heard;
    Result<ReadOutcome> read = reader.Read(room);
    if (read.ok()) {
      heard.assign(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(read->bytes));
      EXPECT_TRUE(reader.holds_bytes()) << "there is more to be told";
      read = reader.Read(room);
    }
    EXPECT_EQ(read.status().code(), StatusCode::kProtocolError) << bit;
    EXPECT_EQ(heard, bit < (16 + 40) * 8 ? Bytes() : first);
    EXPECT_EQ(reader.Read(room).status().code(), StatusCode::kProtocolError) << "for ever";
  }
}

TEST_F(CheckedStreamTest, RecordsThatComeTwiceOrInAnotherOrderAreNoticed) {
  Say(Pattern(40));
  const Bytes record = ends_.written;
  Say(Pattern(40));
  ends_.written = record;
  ends_.written.insert(ends_.written.end(), record.begin(), record.end());
  is_told_ = true;
  const auto [heard, end] = Hear();
  EXPECT_EQ(heard, Pattern(40));
  EXPECT_EQ(end.status().code(), StatusCode::kProtocolError);
}

TEST_F(CheckedStreamTest, OtherBytesAreRefused) {
  const std::string text = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";
  ends_.written.assign(text.begin(), text.end());
  const Status status = Hear().second.status();
  EXPECT_EQ(status.message(),
            "bytes that no node sends without encryption, or that were changed on the way");
}

TEST_F(CheckedStreamTest, AnEndInTheMiddleIsNone) {
  Say(Pattern(40));
  ends_.written.resize(30);
  EXPECT_TRUE(Hear().second.value().would_block);
  ends_.is_over = true;
  EXPECT_EQ(Hear().second.status().code(), StatusCode::kDisconnected);
}

TEST_F(CheckedStreamTest, WhatCameBeforeAFailureIsReadFirst) {
  Say(Pattern(40));
  ends_.failure = Status::Disconnected("it was reset");
  is_told_ = true;
  const auto [heard, end] = Hear();
  EXPECT_EQ(heard, Pattern(40));
  EXPECT_EQ(end.status().message(), "it was reset");
  EXPECT_EQ(Hear().second.status().message(), "it was reset");
}

}  // namespace
}  // namespace rayx
