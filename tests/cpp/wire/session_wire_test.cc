#include "wire/session_wire.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace rayx::wire {
namespace {

NodeId MakeNode(uint8_t number) {
  const uint8_t bytes[16] = {number};
  return NodeId::FromBytes(bytes);
}

// The frame as a reader hands it out, in aligned memory.
class Arrived {
 public:
  explicit Arrived(const EncodedFrame& encoded) : reader_(1 << 20) {
    std::vector<uint8_t> bytes;
    AppendFrame(encoded.type, encoded.payload, &bytes);
    const std::span<uint8_t> room = reader_.PrepareRead(bytes.size());
    std::ranges::copy(bytes, room.begin());
    reader_.Commit(bytes.size());
    frame_ = **reader_.Next();
  }
  const Frame& frame() const { return frame_; }

 private:
  FrameReader reader_;
  Frame frame_;
};

const std::vector<cluster::Notice>& Notices() {
  static const std::vector<cluster::Notice> notices = {
      cluster::Hello{MakeNode(1), MakeNode(2), 3, 4, 5, 6},
      cluster::Welcome{7, 8},
      cluster::Refusal{cluster::RefusalReason::kDeclaredDead, 9},
      cluster::Refusal{cluster::RefusalReason::kAnotherNode, 0},
      cluster::Acknowledgement{~uint64_t{0}},
      cluster::Farewell{cluster::EndReason::kDeclaredDead},
      cluster::Farewell{cluster::EndReason::kLeft},
  };
  return notices;
}

TEST(SessionWire, NoticesArriveAsTheyWereSaid) {
  for (const cluster::Notice& notice : Notices()) {
    const auto decoded = DecodeSessionFrame(Arrived(Encode(notice)).frame());
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    EXPECT_EQ(std::get<cluster::Notice>(*decoded), notice) << cluster::TextOf(notice);
  }
}

TEST(SessionWire, MessagesArriveAsTheyWereSaid) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1000}}) {
    const std::vector<uint8_t> payload(size, 'm');
    const cluster::Frame frame{.numbers = {.number = 11, .processed = 12},
                               .message = {13, cluster::SharedBytes::Of(payload)}};
    const Arrived arrived(Encode(frame));
    const auto decoded = DecodeSessionFrame(arrived.frame());
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    const auto& message = std::get<IncomingMessage>(*decoded);
    EXPECT_EQ(message.numbers, frame.numbers);
    EXPECT_EQ(message.type, 13);
    EXPECT_EQ(std::vector<uint8_t>(message.payload.begin(), message.payload.end()), payload);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(message.payload.data()) % 8, 0u);
  }
}

TEST(SessionWire, ChoppedAndForeignFramesAreBreaches) {
  for (const cluster::Notice& notice : Notices()) {
    const EncodedFrame whole = Encode(notice);
    // FlatBuffers end with what they refer to from their beginning, so half of one is none.
    for (size_t size = 0; size <= whole.payload.size() / 2; ++size) {
      const EncodedFrame chopped{whole.type, {whole.payload.begin(), whole.payload.begin() + size}};
      EXPECT_EQ(DecodeSessionFrame(Arrived(chopped).frame()).status().code(),
                StatusCode::kProtocolError)
          << cluster::TextOf(notice) << " of " << size;
    }
  }
  for (const uint16_t type : std::initializer_list<uint16_t>{0, 1, 2, 3, 9, 15, 21, 999}) {
    EXPECT_EQ(DecodeSessionFrame({.type = type, .payload = {}}).status().code(),
              StatusCode::kProtocolError)
        << type;
  }
  EXPECT_FALSE(DecodeSessionFrame(Arrived({20, std::vector<uint8_t>(23)}).frame()).ok());
}

}  // namespace
}  // namespace rayx::wire
