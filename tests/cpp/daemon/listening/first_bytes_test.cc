#include "daemon/listening/first_bytes.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "common/protocol/generated/messages_generated.h"
#include "daemon/messages/message_writer.h"

namespace rayx::daemon {
namespace {

constexpr auto kHello = static_cast<uint16_t>(protocol::MessageType::Hello);

// Bytes that begin aligned, as those of the caller do.
class Bytes {
 public:
  explicit Bytes(const std::vector<uint8_t>& bytes)
      : memory_(bytes.size() / sizeof(uint64_t) + 1), size_(bytes.size()) {
    if (size_ != 0) std::memcpy(memory_.data(), bytes.data(), size_);
  }
  std::span<const uint8_t> span(size_t size) const {
    return {reinterpret_cast<const uint8_t*>(memory_.data()), size};
  }
  std::span<const uint8_t> span() const { return span(size_); }

 private:
  std::vector<uint64_t> memory_;
  size_t size_;
};

std::vector<uint8_t> Header(uint32_t payload_bytes, uint16_t type = kHello, uint16_t zero = 0) {
  const FrameHeader header{payload_bytes, type, zero};
  const auto* bytes = reinterpret_cast<const uint8_t*>(&header);
  return {bytes, bytes + sizeof(header)};
}

// Of a driver with settings of that size.
std::vector<uint8_t> HelloFrame(size_t config_bytes) {
  flatbuffers::FlatBufferBuilder builder;
  const auto config = builder.CreateVector(std::vector<uint8_t>(config_bytes, 7));
  builder.Finish(protocol::CreateHello(builder, limits::kProtocolVersion, protocol::Role::Driver, 1,
                                       nullptr, 0, 0, config));
  std::vector<uint8_t> frame;
  AppendFrame(kHello, {builder.GetBufferPointer(), builder.GetSize()}, &frame);
  return frame;
}

void ExpectRefused(const std::vector<uint8_t>& bytes, const std::string& reason) {
  const Result<bool> is_whole = IsWholeHello(Bytes(bytes).span());
  ASSERT_FALSE(is_whole.ok());
  EXPECT_EQ(is_whole.status().code(), StatusCode::kProtocolError);
  EXPECT_NE(is_whole.status().message().find(reason), std::string::npos)
      << is_whole.status().message();
}

TEST(FirstBytesTest, AHelloOfAnySizeIsGoodFromItsFirstByteToItsLast) {
  for (const size_t config_bytes : {size_t{0}, size_t{3}, size_t{3000}, size_t{65000}}) {
    const std::vector<uint8_t> frame = HelloFrame(config_bytes);
    ASSERT_LE(frame.size(), kFirstBytesMax);
    const Bytes bytes(frame);
    for (size_t size = 0; size < frame.size(); size += 1 + size / 50) {
      EXPECT_EQ(IsWholeHello(bytes.span(size)).value(), false) << size << " of " << frame.size();
    }
    EXPECT_EQ(IsWholeHello(bytes.span(frame.size() - 1)).value(), false);
    EXPECT_EQ(IsWholeHello(bytes.span()).value(), true);
  }
}

TEST(FirstBytesTest, WhatFollowsAHelloIsLeftToItsPeer) {
  std::vector<uint8_t> bytes = HelloFrame(100);
  bytes.insert(bytes.end(), 500, 0xa5);
  EXPECT_EQ(IsWholeHello(Bytes(bytes).span()).value(), true);
}

TEST(FirstBytesTest, HeadersThatNoHelloHasAreRefusedBeforeTheRestIsThere) {
  ExpectRefused(Header(64, kHello, 1), "header");
  ExpectRefused(Header(64, kHello + 1), "not a hello");
  ExpectRefused(Header(64, 0), "not a hello");
  ExpectRefused(Header(0), "empty");
  ExpectRefused(Header(limits::kHelloBytesMax + 1), "over the limit");
  ExpectRefused(Header(0xffffffff), "over the limit");
  // 2^63 as eight bytes.
  ExpectRefused(Header(0, 0, 0x8000), "header");
  EXPECT_EQ(IsWholeHello(Bytes(Header(limits::kHelloBytesMax)).span()).value(), false);
}

TEST(FirstBytesTest, JunkBehindAHeaderIsRefusedAsSoonAsAllOfItIsThere) {
  std::vector<uint8_t> bytes = Header(64);
  bytes.insert(bytes.end(), 63, 0xa5);
  EXPECT_EQ(IsWholeHello(Bytes(bytes).span()).value(), false);
  bytes.push_back(0xa5);
  ExpectRefused(bytes, "malformed");
}

TEST(FirstBytesTest, WhateverAByteOfAHelloBecomesOnlyMalformedOnesAreRefused) {
  const std::vector<uint8_t> good = HelloFrame(40);
  std::mt19937_64 random(53);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<uint8_t> frame = good;
    frame[sizeof(FrameHeader) + random() % (frame.size() - sizeof(FrameHeader))] ^=
        static_cast<uint8_t>(1 + random() % 255);
    const Bytes bytes(frame);
    FrameHeader header;
    std::memcpy(&header, frame.data(), sizeof(header));
    const auto payload = bytes.span().subspan(sizeof(header), header.payload_bytes);
    EXPECT_EQ(IsWholeHello(bytes.span()).ok(),
              VerifiedMessage<protocol::Hello>(payload) != nullptr);
  }
}

}  // namespace
}  // namespace rayx::daemon
