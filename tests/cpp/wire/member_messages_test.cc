#include "wire/member_messages.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <variant>
#include <vector>

namespace rayx::wire {
namespace {

NodeId MakeNode(uint8_t number) {
  const std::array<uint8_t, 16> bytes = {number};
  return NodeId::FromBytes(bytes.data());
}

// In memory that is aligned as a frame's is.
Result<MemberMessage> Arrived(const cluster::Message& message, size_t cut = 0) {
  const std::span<const uint8_t> said = message.payload.span();
  std::vector<uint64_t> room(said.size() / 8 + 1);
  std::memcpy(room.data(), said.data(), said.size());
  return DecodeMemberMessage(message.type,
                             {reinterpret_cast<const uint8_t*>(room.data()), said.size() - cut});
}

TEST(MemberMessages, ArriveAsTheyWereSaid) {
  const auto registered =
      Arrived(Encode(RegisterNode{.name = "a", .address = {"192.0.2.7", 4711}}));
  ASSERT_TRUE(registered.ok()) << registered.status().message();
  const auto& node = std::get<RegisterNode>(*registered);
  EXPECT_EQ(node.name, "a");
  EXPECT_EQ(node.address.Text(), "192.0.2.7:4711");

  const auto joined = Arrived(
      Encode(NodeJoined{.node = MakeNode(8), .name = "b", .address = {"2001:db8::7", 4712}}));
  ASSERT_TRUE(joined.ok()) << joined.status().message();
  const auto& other = std::get<NodeJoined>(*joined);
  EXPECT_EQ(other.node, MakeNode(8));
  EXPECT_EQ(other.name, "b");
  EXPECT_EQ(other.address.Text(), "[2001:db8::7]:4712");

  const auto dead = Arrived(Encode(NodeDead{MakeNode(7)}));
  ASSERT_TRUE(dead.ok());
  EXPECT_EQ(std::get<NodeDead>(*dead).node, MakeNode(7));

  EXPECT_TRUE(std::holds_alternative<NodeAdmitted>(*Arrived(Encode(NodeAdmitted{}))));
  EXPECT_TRUE(std::holds_alternative<NodeLeaves>(*Arrived(Encode(NodeLeaves{}))));
  EXPECT_TRUE(std::holds_alternative<ClusterEnds>(*Arrived(Encode(ClusterEnds{}))));
}

TEST(MemberMessages, NonsenseIsABreach) {
  EXPECT_EQ(DecodeMemberMessage(0, {}).status().code(), StatusCode::kProtocolError);
  EXPECT_EQ(DecodeMemberMessage(999, {}).status().code(), StatusCode::kProtocolError);
  const NodeJoined joined{.node = MakeNode(7), .name = "b", .address = {"192.0.2.7", 4711}};
  for (const cluster::Message& message : {Encode(NodeDead{MakeNode(7)}), Encode(joined)}) {
    // The last few bytes may be padding.
    for (size_t cut = 4; cut <= message.payload.size(); ++cut) {
      EXPECT_EQ(Arrived(message, cut).status().code(), StatusCode::kProtocolError) << cut;
    }
  }
}

}  // namespace
}  // namespace rayx::wire
