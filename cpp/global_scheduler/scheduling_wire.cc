#include "global_scheduler/scheduling_wire.h"

#include <cstring>
#include <limits>
#include <utility>

#include "common/base/limits.h"
#include "common/protocol/generated/scheduling_generated.h"
#include "common/protocol/message.h"
#include "common/protocol/wire_ids.h"

namespace rayx::global_scheduler {
namespace {

using Type = protocol::SchedulingMessageType;
using Builder = flatbuffers::FlatBufferBuilder;
template <typename Wire>
using Vector = flatbuffers::Vector<Wire>;
template <typename Wire>
using Offset = flatbuffers::Offset<Wire>;
using placement::NodeFacts;
using placement::Offer;
using placement::OfferInput;
using placement::OfferName;

// What the load of a node may be: far more than tasks can ask for, and less than makes sums
// overflow.
constexpr int64_t kLoadUnitsMax = std::numeric_limits<int64_t>::max() / 4;

// ---- to the wire --------------------------------------------------------------------------------

Offset<Vector<Offset<protocol::ResourceItem>>> WriteSet(Builder* builder, const ResourceSet& set) {
  if (set.empty()) return 0;
  std::vector<Offset<protocol::ResourceItem>> items;
  for (const auto& [name, amount] : set.items()) {
    items.push_back(
        protocol::CreateResourceItem(*builder, builder->CreateString(name), amount.units()));
  }
  return builder->CreateVector(items);
}

Offset<Vector<const protocol::Id16*>> WriteNodes(Builder* builder,
                                                 const std::vector<NodeId>& nodes) {
  if (nodes.empty()) return 0;
  return builder->CreateVectorOfStructs(reinterpret_cast<const protocol::Id16*>(nodes.data()),
                                        nodes.size());
}

protocol::OfferKey KeyOf(const OfferName& name) {
  return protocol::OfferKey(*ToWire(name.task), name.attempt);
}

Offset<Vector<const protocol::OfferKey*>> WriteNames(Builder* builder,
                                                     const std::vector<OfferName>& names) {
  std::vector<protocol::OfferKey> keys;
  keys.reserve(names.size());
  for (const OfferName& name : names) keys.push_back(KeyOf(name));
  return builder->CreateVectorOfStructs(keys);
}

Offset<protocol::TaskOffer> WriteOffer(Builder* builder, const Offer& offer) {
  std::vector<Offset<protocol::OfferedInput>> inputs;
  for (const OfferInput& input : offer.inputs) {
    inputs.push_back(
        protocol::CreateOfferedInput(*builder, input.bytes, WriteNodes(builder, input.nodes)));
  }
  const auto written = inputs.empty() ? 0 : builder->CreateVector(inputs);
  const auto demand = WriteSet(builder, offer.demand);
  return protocol::CreateTaskOffer(*builder, ToWire(offer.task), offer.attempt, demand,
                                   offer.priority, written,
                                   offer.placed_on.IsNil() ? nullptr : ToWire(offer.placed_on));
}

struct Encoder {
  Builder builder{256};

  Type operator()(const NodeFacts& facts) {
    const auto total = WriteSet(&builder, facts.total);
    const auto known = WriteNodes(&builder, facts.known);
    builder.Finish(protocol::CreateNodeFacts(builder, limits::kProtocolVersion, ToWire(facts.node),
                                             total, known, facts.is_draining));
    return Type::NodeFacts;
  }
  Type operator()(const Load& load) {
    builder.Finish(protocol::CreateNodeLoad(builder, WriteSet(&builder, load.local)));
    return Type::NodeLoad;
  }
  Type operator()(const Offers& said) {
    std::vector<Offset<protocol::TaskOffer>> offers;
    offers.reserve(said.offers.size());
    for (const Offer& offer : said.offers) offers.push_back(WriteOffer(&builder, offer));
    builder.Finish(protocol::CreateOffers(builder, builder.CreateVector(offers)));
    return Type::Offers;
  }
  Type operator()(const Withdrawals& said) {
    builder.Finish(protocol::CreateWithdrawals(builder, WriteNames(&builder, said.offers)));
    return Type::Withdrawals;
  }
  Type operator()(const DeadNodes& said) {
    builder.Finish(protocol::CreateDeadNodes(builder, WriteNodes(&builder, said.nodes)));
    return Type::DeadNodes;
  }
  Type operator()(const Registered&) {
    builder.Finish(protocol::CreateNodeRegistered(builder, limits::kProtocolVersion));
    return Type::NodeRegistered;
  }
  Type operator()(const Refusal& refusal) {
    builder.Finish(
        protocol::CreateRegistrationRefused(builder, builder.CreateString(refusal.reason)));
    return Type::RegistrationRefused;
  }
  Type operator()(const Placements& said) {
    std::vector<protocol::Placement> placements;
    placements.reserve(said.placements.size());
    for (const Placement& one : said.placements) {
      placements.emplace_back(KeyOf(one.offer), *ToWire(one.node));
    }
    builder.Finish(protocol::CreatePlacements(builder, builder.CreateVectorOfStructs(placements)));
    return Type::Placements;
  }
  Type operator()(const Unplaceable& said) {
    const auto reason = builder.CreateString(said.reason);
    const auto offers = WriteNames(&builder, said.offers);
    builder.Finish(protocol::CreateUnplaceableOffers(builder, offers, reason, said.for_ever));
    return Type::UnplaceableOffers;
  }
  Type operator()(const NodeChanges& said) {
    const auto joined = WriteNodes(&builder, said.joined);
    const auto dead = WriteNodes(&builder, said.dead);
    builder.Finish(protocol::CreateNodeChanges(builder, joined, dead));
    return Type::NodeChanges;
  }
};

template <typename Message>
EncodedFrame EncodeAny(const Message& message) {
  Encoder encoder;
  const Type type = std::visit(encoder, message);
  const uint8_t* const bytes = encoder.builder.GetBufferPointer();
  return {.type = static_cast<uint16_t>(type),
          .payload = {bytes, bytes + encoder.builder.GetSize()}};
}

// ---- from the wire ------------------------------------------------------------------------------

Status Malformed(const Frame& frame) {
  return Status::ProtocolError(
      std::string("a malformed ") +
      protocol::EnumNameSchedulingMessageType(static_cast<Type>(frame.type)));
}

Result<ResourceSet> ReadSet(const Vector<Offset<protocol::ResourceItem>>* items, int64_t least,
                            int64_t most) {
  ResourceSet set;
  if (items == nullptr) return set;
  if (items->size() > limits::kResourceNamesMax) {
    return Status::ProtocolError("too many resources");
  }
  for (const protocol::ResourceItem* const item : *items) {
    const size_t length = item->name()->size();
    if (item->units() < least || item->units() > most || length == 0 ||
        length > limits::kNameBytesMax) {
      return Status::ProtocolError("an amount of a resource that has no meaning");
    }
    set.Set(item->name()->string_view(), ResourceAmount::FromUnits(item->units()));
  }
  return set;
}

std::vector<NodeId> ReadNodes(const Vector<const protocol::Id16*>* wire) {
  std::vector<NodeId> nodes;
  if (wire == nullptr) return nodes;
  nodes.resize(wire->size());
  if (!nodes.empty()) std::memcpy(nodes.data(), wire->Data(), nodes.size() * sizeof(NodeId));
  return nodes;
}

OfferName NameOf(const protocol::OfferKey& key) {
  return {FromWire<TaskId>(key.task()), key.attempt()};
}

std::vector<OfferName> ReadNames(const Vector<const protocol::OfferKey*>& wire) {
  std::vector<OfferName> names;
  names.reserve(wire.size());
  for (const protocol::OfferKey* const key : wire) names.push_back(NameOf(*key));
  return names;
}

Result<Offer> ReadOffer(const protocol::TaskOffer& wire) {
  Result<ResourceSet> demand = ReadSet(wire.demand(), 0, ResourceAmount::kUnitsMax);
  if (!demand.ok()) return demand.status();
  Offer offer;
  offer.task = FromWire<TaskId>(*wire.task());
  offer.attempt = wire.attempt();
  offer.demand = std::move(*demand);
  offer.priority = wire.priority();
  if (wire.placed_on() != nullptr) offer.placed_on = FromWire<NodeId>(*wire.placed_on());
  if (wire.inputs() == nullptr) return offer;
  if (wire.inputs()->size() > limits::kOfferInputsMax) {
    return Status::ProtocolError("an offer names too many inputs");
  }
  for (const protocol::OfferedInput* const input : *wire.inputs()) {
    offer.inputs.push_back({input->bytes(), ReadNodes(input->nodes())});
    if (offer.inputs.back().nodes.size() > limits::kInputPlacesMax) {
      return Status::ProtocolError("an offer names too many places of an input");
    }
  }
  return offer;
}

Result<FromNode> ReadOffers(const Frame& frame) {
  const auto* const said = VerifiedMessage<protocol::Offers>(frame.payload);
  if (said == nullptr) return Malformed(frame);
  FromNode message;
  auto& offers = message.emplace<Offers>().offers;
  for (const protocol::TaskOffer* const wire : *said->offers()) {
    Result<Offer> offer = ReadOffer(*wire);
    if (!offer.ok()) return offer.status();
    offers.push_back(std::move(*offer));
  }
  return message;
}

Result<FromNode> ReadFacts(const Frame& frame) {
  const auto* const said = VerifiedMessage<protocol::NodeFacts>(frame.payload);
  if (said == nullptr) return Malformed(frame);
  if (said->protocol_version() != limits::kProtocolVersion) {
    return Status::ProtocolError("the node speaks version " +
                                 std::to_string(said->protocol_version()) +
                                 " of the protocol, and the global scheduler version " +
                                 std::to_string(limits::kProtocolVersion));
  }
  Result<ResourceSet> total = ReadSet(said->total(), 0, ResourceAmount::kUnitsMax);
  if (!total.ok()) return total.status();
  FromNode message;
  auto& facts = message.emplace<NodeFacts>();
  facts.node = FromWire<NodeId>(*said->node());
  facts.total = std::move(*total);
  facts.known = ReadNodes(said->known());
  facts.is_draining = said->is_draining();
  return message;
}

}  // namespace

EncodedFrame Encode(const FromNode& message) { return EncodeAny(message); }
EncodedFrame Encode(const FromScheduler& message) { return EncodeAny(message); }

// Messages are made in place: GCC 12 is mistaken about variants that are moved, in the builds of
// the sanitizers.
Result<FromNode> DecodeFromNode(const Frame& frame) {
  FromNode message;
  switch (static_cast<Type>(frame.type)) {
    case Type::NodeFacts:
      return ReadFacts(frame);
    case Type::NodeLoad: {
      const auto* const said = VerifiedMessage<protocol::NodeLoad>(frame.payload);
      if (said == nullptr) return Malformed(frame);
      Result<ResourceSet> local = ReadSet(said->local(), -kLoadUnitsMax, kLoadUnitsMax);
      if (!local.ok()) return local.status();
      message.emplace<Load>().local = std::move(*local);
      return message;
    }
    case Type::Offers:
      return ReadOffers(frame);
    case Type::Withdrawals: {
      const auto* const said = VerifiedMessage<protocol::Withdrawals>(frame.payload);
      if (said == nullptr) return Malformed(frame);
      message.emplace<Withdrawals>().offers = ReadNames(*said->offers());
      return message;
    }
    case Type::DeadNodes: {
      const auto* const said = VerifiedMessage<protocol::DeadNodes>(frame.payload);
      if (said == nullptr) return Malformed(frame);
      message.emplace<DeadNodes>().nodes = ReadNodes(said->nodes());
      return message;
    }
    default:
      return Status::ProtocolError("no message of a node: type " + std::to_string(frame.type));
  }
}

Result<FromScheduler> DecodeFromScheduler(const Frame& frame) {
  FromScheduler message;
  switch (static_cast<Type>(frame.type)) {
    case Type::NodeRegistered:
      if (VerifiedMessage<protocol::NodeRegistered>(frame.payload) == nullptr) break;
      message.emplace<Registered>();
      return message;
    case Type::RegistrationRefused: {
      const auto* const said = VerifiedMessage<protocol::RegistrationRefused>(frame.payload);
      if (said == nullptr) break;
      message.emplace<Refusal>().reason = said->reason()->str();
      return message;
    }
    case Type::Placements: {
      const auto* const said = VerifiedMessage<protocol::Placements>(frame.payload);
      if (said == nullptr) break;
      auto& placements = message.emplace<Placements>().placements;
      for (const protocol::Placement* const one : *said->placements()) {
        placements.push_back({NameOf(one->offer()), FromWire<NodeId>(one->node())});
      }
      return message;
    }
    case Type::UnplaceableOffers: {
      const auto* const said = VerifiedMessage<protocol::UnplaceableOffers>(frame.payload);
      if (said == nullptr) break;
      auto& unplaceable = message.emplace<Unplaceable>();
      unplaceable.offers = ReadNames(*said->offers());
      unplaceable.reason = said->reason()->str();
      unplaceable.for_ever = said->for_ever();
      return message;
    }
    case Type::NodeChanges: {
      const auto* const said = VerifiedMessage<protocol::NodeChanges>(frame.payload);
      if (said == nullptr) break;
      auto& changes = message.emplace<NodeChanges>();
      changes.joined = ReadNodes(said->joined());
      changes.dead = ReadNodes(said->dead());
      return message;
    }
    default:
      return Status::ProtocolError("no message of the global scheduler: type " +
                                   std::to_string(frame.type));
  }
  return Malformed(frame);
}

}  // namespace rayx::global_scheduler
