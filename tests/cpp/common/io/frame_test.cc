#include "common/io/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string_view>
#include <utility>

namespace rayx {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes BytesOf(std::string_view text) { return Bytes(text.begin(), text.end()); }

void Feed(FrameReader* reader, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const std::span<uint8_t> room = reader->PrepareRead(1);
    ASSERT_GE(room.size(), 1u);
    const size_t count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    reader->Commit(count);
    bytes = bytes.subspan(count);
  }
}

struct Copied {
  uint16_t type;
  Bytes payload;
  bool operator==(const Copied&) const = default;
};

// All whole frames that the reader holds.
std::vector<Copied> Drain(FrameReader* reader) {
  std::vector<Copied> frames;
  while (true) {
    Result<std::optional<Frame>> next = reader->Next();
    EXPECT_TRUE(next.ok()) << next.status().ToString();
    if (!next.ok() || !next->has_value()) return frames;
    const Frame& frame = **next;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(frame.payload.data()) % 8, 0u);
    frames.push_back({frame.type, Bytes(frame.payload.begin(), frame.payload.end())});
  }
}

TEST(FrameTest, LayoutIsAsDocumented) {
  Bytes out;
  AppendFrame(0x0201, BytesOf("abc"), &out);
  const Bytes expected = {3, 0, 0, 0, 1, 2, 0, 0, 'a', 'b', 'c', 0, 0, 0, 0, 0};
  EXPECT_EQ(out, expected);
  EXPECT_EQ(FrameBytes(0), 8u);
  EXPECT_EQ(FrameBytes(8), 16u);
  EXPECT_EQ(FrameBytes(9), 24u);
}

TEST(FrameTest, LargePayloadsAreAppendedAlike) {
  Bytes large(100'003, 7);
  Bytes out;
  AppendFrame(1, BytesOf("x"), &out);
  AppendFrame(2, large, &out);
  AppendFrame(3, {}, &out);
  EXPECT_EQ(out.size(), FrameBytes(1) + FrameBytes(large.size()) + FrameBytes(0));
  FrameReader reader(1 << 20);
  Feed(&reader, out);
  EXPECT_EQ(Drain(&reader), (std::vector<Copied>{{1, BytesOf("x")}, {2, large}, {3, {}}}));
}

TEST(FrameTest, AnyChoppingGivesTheSameFrames) {
  std::mt19937 random(7);
  Bytes stream;
  std::vector<Copied> sent;
  for (uint16_t i = 0; i < 200; ++i) {
    Bytes payload(i % 20 == 19 ? random() % 5000 : random() % 40);
    for (uint8_t& byte : payload) byte = static_cast<uint8_t>(random());
    AppendFrame(i, payload, &stream);
    sent.push_back({i, payload});
  }
  for (const size_t piece_max : {size_t{1}, size_t{7}, size_t{64}, size_t{4096}, stream.size()}) {
    FrameReader reader(1 << 16);
    std::vector<Copied> received;
    for (size_t at = 0; at < stream.size();) {
      const size_t piece = std::min<size_t>(1 + random() % piece_max, stream.size() - at);
      Feed(&reader, std::span(stream).subspan(at, piece));
      at += piece;
      for (Copied& frame : Drain(&reader)) received.push_back(std::move(frame));
    }
    EXPECT_EQ(received, sent) << "pieces up to " << piece_max;
    EXPECT_EQ(reader.buffered_bytes(), 0u);
  }
}

TEST(FrameTest, LengthOverTheCapIsRefusedByItsHeaderAlone) {
  FrameReader reader(100);
  const FrameHeader header{101, 1, 0};
  Feed(&reader, {reinterpret_cast<const uint8_t*>(&header), sizeof(header)});
  EXPECT_EQ(reader.Next().status().code(), StatusCode::kProtocolError);
  // For ever, whatever follows.
  Bytes good;
  AppendFrame(1, BytesOf("x"), &good);
  Feed(&reader, good);
  EXPECT_EQ(reader.Next().status().code(), StatusCode::kProtocolError);
}

TEST(FrameTest, CapItselfIsAllowedAndCanBeRaised) {
  FrameReader reader(100);
  Bytes out;
  AppendFrame(1, Bytes(100, 1), &out);
  AppendFrame(2, Bytes(1000, 2), &out);
  Feed(&reader, std::span(out).first(FrameBytes(100)));
  EXPECT_EQ(Drain(&reader).size(), 1u);
  reader.set_payload_bytes_max(1000);
  Feed(&reader, std::span(out).subspan(FrameBytes(100)));
  EXPECT_EQ(Drain(&reader).size(), 1u);
}

TEST(FrameTest, HugestLengthAllocatesNothing) {
  FrameReader reader(64u << 20);
  const FrameHeader header{0xffffffffu, 1, 0};
  Feed(&reader, {reinterpret_cast<const uint8_t*>(&header), sizeof(header)});
  EXPECT_EQ(reader.Next().status().code(), StatusCode::kProtocolError);
  EXPECT_LT(reader.capacity(), 1000u);
}

TEST(FrameTest, HeaderWithoutItsZeroIsRefused) {
  FrameReader reader(100);
  const FrameHeader header{0, 1, 1};
  Feed(&reader, {reinterpret_cast<const uint8_t*>(&header), sizeof(header)});
  EXPECT_EQ(reader.Next().status().code(), StatusCode::kProtocolError);
}

TEST(FrameTest, MemoryFollowsWhatArrivesNotWhatIsClaimed) {
  constexpr size_t kRead = 64 << 10;
  FrameReader reader(64u << 20);
  const FrameHeader header{64u << 20, 1, 0};
  std::span<uint8_t> room = reader.PrepareRead(kRead);
  std::memcpy(room.data(), &header, sizeof(header));
  reader.Commit(sizeof(header));
  ASSERT_TRUE(reader.Next().ok());
  reader.PrepareRead(kRead);
  EXPECT_LE(reader.capacity(), 4 * kRead);
}

TEST(FrameTest, MemoryOfAHugeFrameIsGivenBack) {
  FrameReader reader(64u << 20);
  Bytes out;
  AppendFrame(1, Bytes(32u << 20, 1), &out);
  size_t at = 0;
  while (at < out.size()) {
    const std::span<uint8_t> room = reader.PrepareRead(64 << 10);
    const size_t count = std::min(room.size(), out.size() - at);
    std::memcpy(room.data(), out.data() + at, count);
    reader.Commit(count);
    at += count;
  }
  EXPECT_GE(reader.capacity(), out.size());
  EXPECT_LE(reader.capacity(), 2 * out.size());
  Result<std::optional<Frame>> frame = reader.Next();
  ASSERT_TRUE(frame.ok() && frame->has_value());
  EXPECT_EQ((*frame)->payload.back(), 1);
  reader.Trim();
  EXPECT_EQ(reader.capacity(), 0u);
  Bytes small;
  AppendFrame(2, BytesOf("after"), &small);
  Feed(&reader, small);
  EXPECT_EQ(Drain(&reader), (std::vector<Copied>{{2, BytesOf("after")}}));
}

TEST(FrameTest, TrimKeepsWhatIsBuffered) {
  FrameReader reader(64u << 20);
  Bytes out;
  AppendFrame(1, Bytes(8u << 20, 1), &out);
  AppendFrame(2, BytesOf("rest"), &out);
  Feed(&reader, out);
  ASSERT_TRUE(reader.Next()->has_value());
  reader.Trim();
  EXPECT_EQ(Drain(&reader), (std::vector<Copied>{{2, BytesOf("rest")}}));
}

TEST(FrameDeathTest, CommitBeyondTheRoomIsABug) {
  FrameReader reader(100);
  const size_t room = reader.PrepareRead(10).size();
  EXPECT_DEATH(reader.Commit(room + 1), "check failed");
}

}  // namespace
}  // namespace rayx
