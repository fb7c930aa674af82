#include "global_scheduler/scheduling_wire.h"

#include <gtest/gtest.h>

#include <random>

#include "common/base/limits.h"
#include "common/protocol/generated/scheduling_generated.h"
#include "global_scheduler/modelled_node.h"

namespace rayx::global_scheduler {
namespace {

using placement::NodeFacts;
using placement::OfferName;

Frame FrameOf(const EncodedFrame& encoded) { return {encoded.type, encoded.payload}; }

template <typename Kind, typename Message>
Kind ThereAndBack(const Kind& said, Result<Message> (*decode)(const Frame&)) {
  const EncodedFrame encoded = Encode(Message(said));
  Result<Message> heard = decode(FrameOf(encoded));
  EXPECT_TRUE(heard.ok()) << heard.status().ToString();
  return std::get<Kind>(*heard);
}
template <typename Kind>
Kind FromNodeAndBack(const Kind& said) {
  return ThereAndBack<Kind, FromNode>(said, &DecodeFromNode);
}
template <typename Kind>
Kind FromSchedulerAndBack(const Kind& said) {
  return ThereAndBack<Kind, FromScheduler>(said, &DecodeFromScheduler);
}

TEST(SchedulingWire, WhatNodesSayComesBackWhole) {
  const NodeFacts facts =
      FromNodeAndBack(NodeFacts{NodeNumber(1), Cpus(4), {NodeNumber(2), NodeNumber(3)}});
  EXPECT_EQ(facts.node, NodeNumber(1));
  EXPECT_EQ(facts.total, Cpus(4));
  EXPECT_EQ(facts.known, (std::vector<NodeId>{NodeNumber(2), NodeNumber(3)}));

  ResourceSet given_back;
  given_back.Subtract(Cpus(2));
  EXPECT_EQ(FromNodeAndBack(Load{given_back}).local, given_back);
  EXPECT_TRUE(FromNodeAndBack(Load{}).local.empty());

  placement::Offer full = OfferOf(7, 2);
  full.attempt = 16;
  full.priority = -3;
  full.inputs = {{1u << 30, {NodeNumber(4), NodeNumber(5)}}, {5, {}}};
  full.placed_on = NodeNumber(9);
  const Offers offers = FromNodeAndBack(Offers{{full, placement::Offer{}}});
  ASSERT_EQ(offers.offers.size(), 2u);
  EXPECT_EQ(offers.offers[0].task, full.task);
  EXPECT_EQ(offers.offers[0].attempt, 16u);
  EXPECT_EQ(offers.offers[0].demand, Cpus(2));
  EXPECT_EQ(offers.offers[0].priority, -3);
  ASSERT_EQ(offers.offers[0].inputs.size(), 2u);
  EXPECT_EQ(offers.offers[0].inputs[0].bytes, 1u << 30);
  EXPECT_EQ(offers.offers[0].inputs[0].nodes, full.inputs[0].nodes);
  EXPECT_EQ(offers.offers[0].placed_on, NodeNumber(9));
  EXPECT_TRUE(offers.offers[1].demand.empty());
  EXPECT_TRUE(offers.offers[1].placed_on.IsNil());

  const OfferName name{TaskNumber(7), 16};
  EXPECT_EQ(FromNodeAndBack(Withdrawals{{name}}).offers, std::vector<OfferName>{name});
  const std::vector<NodeId> dead = {NodeNumber(3), NodeNumber(4)};
  EXPECT_EQ(FromNodeAndBack(DeadNodes{dead}).nodes, dead);
}

TEST(SchedulingWire, WhatTheSchedulerSaysComesBackWhole) {
  FromSchedulerAndBack(Registered{});
  EXPECT_EQ(FromSchedulerAndBack(Refusal{"why"}).reason, "why");
  const OfferName name{TaskNumber(7), 16};
  const Placements placements = FromSchedulerAndBack(Placements{{{name, NodeNumber(2)}}});
  ASSERT_EQ(placements.placements.size(), 1u);
  EXPECT_EQ(placements.placements[0].offer, name);
  EXPECT_EQ(placements.placements[0].node, NodeNumber(2));
  const Unplaceable unplaceable = FromSchedulerAndBack(Unplaceable{{name}, "no lamp", true});
  EXPECT_EQ(unplaceable.offers, std::vector<OfferName>{name});
  EXPECT_EQ(unplaceable.reason, "no lamp");
  EXPECT_TRUE(unplaceable.for_ever);
  const NodeChanges changes = FromSchedulerAndBack(NodeChanges{{NodeNumber(1)}, {NodeNumber(2)}});
  EXPECT_EQ(changes.joined, std::vector<NodeId>{NodeNumber(1)});
  EXPECT_EQ(changes.dead, std::vector<NodeId>{NodeNumber(2)});
}

TEST(SchedulingWire, AnotherVersionIsTold) {
  flatbuffers::FlatBufferBuilder builder;
  const protocol::Id16 node{};
  builder.Finish(protocol::CreateNodeFacts(builder, limits::kProtocolVersion + 1, &node));
  const Frame frame{static_cast<uint16_t>(protocol::SchedulingMessageType::NodeFacts),
                    {builder.GetBufferPointer(), builder.GetSize()}};
  const auto heard = DecodeFromNode(frame);
  ASSERT_FALSE(heard.ok());
  EXPECT_NE(heard.status().message().find("version"), std::string::npos);
}

TEST(SchedulingWire, RefusesWhatHasNoMeaning) {
  ResourceSet negative;
  negative.Subtract(Cpus(1));
  placement::Offer offer = OfferOf(1, 1);
  offer.demand = negative;
  EXPECT_FALSE(DecodeFromNode(FrameOf(Encode(FromNode(Offers{{offer}})))).ok());
  EXPECT_FALSE(
      DecodeFromNode(FrameOf(Encode(FromNode(NodeFacts{NodeNumber(1), negative, {}})))).ok());
  offer = OfferOf(1, 1);
  offer.inputs.resize(limits::kOfferInputsMax + 1);
  EXPECT_FALSE(DecodeFromNode(FrameOf(Encode(FromNode(Offers{{offer}})))).ok());
  offer.inputs.resize(1);
  offer.inputs[0].nodes.resize(limits::kInputPlacesMax + 1);
  EXPECT_FALSE(DecodeFromNode(FrameOf(Encode(FromNode(Offers{{offer}})))).ok());
  // Each side says its own.
  EXPECT_FALSE(DecodeFromNode(FrameOf(Encode(FromScheduler(Registered{})))).ok());
  EXPECT_FALSE(DecodeFromScheduler(FrameOf(Encode(FromNode(Load{})))).ok());
}

// Whatever comes in place of a message, there is an answer.
TEST(SchedulingWire, BrokenBytesAreRefusedOrUnderstood) {
  std::mt19937_64 random(5);
  placement::Offer offer = OfferOf(7, 2);
  offer.inputs = {{1u << 30, {NodeNumber(4), NodeNumber(5)}}};
  const std::vector<EncodedFrame> good = {
      Encode(FromNode(NodeFacts{NodeNumber(1), Cpus(4), {NodeNumber(2)}})),
      Encode(FromNode(Load{Cpus(2)})),
      Encode(FromNode(Offers{{offer, offer}})),
      Encode(FromNode(Withdrawals{{{TaskNumber(1), 2}}})),
      Encode(FromNode(DeadNodes{{NodeNumber(1)}})),
      Encode(FromScheduler(Placements{{{{TaskNumber(1), 2}, NodeNumber(3)}}})),
      Encode(FromScheduler(Unplaceable{{{TaskNumber(1), 2}}, "why", false})),
      Encode(FromScheduler(NodeChanges{{NodeNumber(1)}, {NodeNumber(2)}}))};
  size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    EncodedFrame frame = good[random() % good.size()];
    for (size_t i = 0; i <= random() % 3; ++i) {
      frame.payload[random() % frame.payload.size()] = static_cast<uint8_t>(random());
    }
    if (random() % 4 == 0) frame.payload.resize(random() % frame.payload.size());
    if (random() % 50 == 0) frame.type = static_cast<uint16_t>(random() % 30);
    refused += !DecodeFromNode(FrameOf(frame)).ok() && !DecodeFromScheduler(FrameOf(frame)).ok();
  }
  EXPECT_GT(refused, 1000u);
}

}  // namespace
}  // namespace rayx::global_scheduler
