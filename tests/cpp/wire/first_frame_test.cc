#include "wire/first_frame.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "common/io/socket.h"

namespace rayx::wire {
namespace {

class FirstFrameTest : public testing::Test {
 protected:
  FirstFrameTest() {
    auto [ours, theirs] = std::move(SocketPair()).value();
    EXPECT_TRUE(SetNonBlocking(ours.get(), true).ok());
    stream_ = std::make_unique<UnixStream>(std::move(ours));
    peer_ = std::make_unique<UnixStream>(std::move(theirs));
  }
  void Send(std::span<const uint8_t> bytes) { EXPECT_EQ(*peer_->Write(bytes, {}), bytes.size()); }

  std::unique_ptr<UnixStream> stream_;
  std::unique_ptr<UnixStream> peer_;
};

TEST_F(FirstFrameTest, TakesOneFrameAndNothingOfTheNext) {
  std::vector<uint8_t> bytes;
  AppendFrame(5, std::vector<uint8_t>{1, 2, 3}, &bytes);
  bytes.insert(bytes.end(), {9, 9});
  FirstFrame first(100);
  // Byte by byte as well as with more behind it.
  for (size_t i = 0; i + 3 < bytes.size(); ++i) {
    Send(std::span(bytes).subspan(i, 1));
    EXPECT_FALSE(*first.ReadFrom(stream_.get()));
  }
  Send(std::span(bytes).last(3));
  ASSERT_TRUE(*first.ReadFrom(stream_.get()));
  EXPECT_EQ(first.frame().type, 5);
  EXPECT_EQ(std::vector<uint8_t>(first.frame().payload.begin(), first.frame().payload.end()),
            (std::vector<uint8_t>{1, 2, 3}));
  std::vector<uint8_t> rest(10);
  EXPECT_EQ(stream_->Read(rest)->bytes, 2u);
}

TEST_F(FirstFrameTest, AnEmptyPayloadIsWhole) {
  std::vector<uint8_t> bytes;
  AppendFrame(5, {}, &bytes);
  Send(bytes);
  FirstFrame first(100);
  ASSERT_TRUE(*first.ReadFrom(stream_.get()));
  EXPECT_TRUE(first.frame().payload.empty());
}

TEST_F(FirstFrameTest, WhatIsTooLargeIsRefusedByItsHeader) {
  std::vector<uint8_t> bytes;
  AppendFrame(5, std::vector<uint8_t>(101), &bytes);
  Send(std::span(bytes).first(8));
  FirstFrame first(100);
  EXPECT_EQ(first.ReadFrom(stream_.get()).status().code(), StatusCode::kProtocolError);
}

TEST_F(FirstFrameTest, AnEndBeforeItIsToldSo) {
  FirstFrame first(100);
  Send(std::vector<uint8_t>{1, 0, 0});
  EXPECT_FALSE(*first.ReadFrom(stream_.get()));
  peer_.reset();
  EXPECT_EQ(first.ReadFrom(stream_.get()).status().code(), StatusCode::kDisconnected);
}

}  // namespace
}  // namespace rayx::wire
