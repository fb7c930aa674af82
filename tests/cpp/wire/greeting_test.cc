#include "wire/greeting.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "common/base/limits.h"
#include "common/protocol/wire_ids.h"

namespace rayx::wire {
namespace {

template <typename IdType>
IdType MakeId(uint8_t number) {
  std::array<uint8_t, 16> bytes = {};
  bytes[0] = number;
  return IdType::FromBytes(bytes.data());
}

// One whole frame, in memory that is aligned as a reader's is.
class Whole {
 public:
  explicit Whole(const std::vector<uint8_t>& bytes) : reader_(kGreetingBytesMax) {
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

NodeGreeting Example() {
  return {.kind = protocol::ConnectionKind::Tables,
          .node = MakeId<NodeId>(1),
          .cluster = MakeId<ClusterId>(2),
          .server = 3};
}

Status RefusalOf(const std::vector<uint8_t>& bytes, const std::string& python) {
  return DecodeGreeting(Whole(bytes).frame(), python).status();
}

TEST(Greeting, ArrivesAsItWasSaid) {
  const std::vector<uint8_t> bytes = EncodeGreeting(Example(), "3.11");
  EXPECT_LE(bytes.size(), kGreetingBytesMax);
  const Result<NodeGreeting> got = DecodeGreeting(Whole(bytes).frame(), "3.11");
  ASSERT_TRUE(got.ok()) << got.status().ToString();
  EXPECT_EQ(got->kind, protocol::ConnectionKind::Tables);
  EXPECT_EQ(got->node, MakeId<NodeId>(1));
  EXPECT_EQ(got->cluster, MakeId<ClusterId>(2));
  EXPECT_EQ(got->server, 3u);
  // Whoever joins does not know the cluster.
  const auto joining = EncodeGreeting({.node = MakeId<NodeId>(1)}, "3.11");
  EXPECT_TRUE(DecodeGreeting(Whole(joining).frame(), "3.11")->cluster.IsNil());
}

TEST(Greeting, AnotherVersionIsToldBoth) {
  flatbuffers::FlatBufferBuilder builder;
  const auto python = builder.CreateString("3.11");
  const NodeId node = MakeId<NodeId>(1);
  builder.Finish(protocol::CreateNodeHello(builder, 77, python, protocol::ConnectionKind::Control,
                                           ToWire(node)));
  std::vector<uint8_t> bytes;
  AppendFrame(1, {builder.GetBufferPointer(), builder.GetSize()}, &bytes);
  const Status refusal = RefusalOf(bytes, "3.11");
  EXPECT_EQ(refusal.code(), StatusCode::kInvalidArgument);
  const std::string ours = "version " + std::to_string(limits::kProtocolVersion);
  EXPECT_NE(refusal.message().find(ours), std::string::npos) << refusal.message();
  EXPECT_NE(refusal.message().find("version 77"), std::string::npos) << refusal.message();
}

TEST(Greeting, AnotherPythonIsToldBoth) {
  const Status refusal = RefusalOf(EncodeGreeting(Example(), "3.12"), "3.11");
  EXPECT_EQ(refusal.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(refusal.message().find("Python 3.11"), std::string::npos) << refusal.message();
  EXPECT_NE(refusal.message().find("Python 3.12"), std::string::npos) << refusal.message();
}

TEST(Greeting, WhatIsNoneIsABreach) {
  EXPECT_EQ(RefusalOf(EncodeAnswer(NodeRefusal{"no"}), "3.11").code(), StatusCode::kProtocolError);
  NodeGreeting nobody = Example();
  nobody.node = NodeId();
  EXPECT_EQ(RefusalOf(EncodeGreeting(nobody, "3.11"), "3.11").code(), StatusCode::kProtocolError);
  NodeGreeting odd = Example();
  odd.kind = static_cast<protocol::ConnectionKind>(99);
  EXPECT_EQ(RefusalOf(EncodeGreeting(odd, "3.11"), "3.11").code(), StatusCode::kProtocolError);
}

TEST(Greeting, ChoppedBytesAreNone) {
  const std::vector<uint8_t> bytes = EncodeGreeting(Example(), "3.11");
  const Whole whole(bytes);
  const std::span<const uint8_t> payload = whole.frame().payload;
  // The last bytes are padding.
  for (size_t size = 0; size + 4 <= payload.size(); ++size) {
    std::vector<uint8_t> chopped;
    AppendFrame(1, payload.first(size), &chopped);
    const Status status = RefusalOf(chopped, "3.11");
    EXPECT_FALSE(status.ok()) << size;
  }
}

TEST(Greeting, AnswersArriveAsTheyWereGiven) {
  const auto welcome = DecodeAnswer(
      Whole(EncodeAnswer(NodeAdmission{MakeId<NodeId>(4), MakeId<ClusterId>(5), 2})).frame());
  ASSERT_TRUE(welcome.ok());
  const auto& admission = std::get<NodeAdmission>(*welcome);
  EXPECT_EQ(admission.node, MakeId<NodeId>(4));
  EXPECT_EQ(admission.cluster, MakeId<ClusterId>(5));
  EXPECT_EQ(admission.servers, 2u);
  const auto refused = DecodeAnswer(Whole(EncodeAnswer(NodeRefusal{"you are dead", true})).frame());
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(std::get<NodeRefusal>(*refused).reason, "you are dead");
  EXPECT_TRUE(std::get<NodeRefusal>(*refused).declared_dead);
  EXPECT_EQ(DecodeAnswer(Whole(EncodeGreeting(Example(), "3.11")).frame()).status().code(),
            StatusCode::kProtocolError);
}

}  // namespace
}  // namespace rayx::wire
