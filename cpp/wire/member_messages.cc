#include "wire/member_messages.h"

#include <utility>
#include <vector>

#include "common/protocol/generated/nodes_generated.h"
#include "common/protocol/message.h"
#include "common/protocol/wire_ids.h"

namespace rayx::wire {
namespace {

using protocol::PeerMessageType;

struct MemberEncoder {
  flatbuffers::FlatBufferBuilder builder{128};

  PeerMessageType operator()(const RegisterNode& node) {
    const auto name = builder.CreateString(node.name);
    const auto host = builder.CreateString(node.address.host);
    builder.Finish(protocol::CreateRegisterNode(builder, name, host, node.address.port));
    return PeerMessageType::RegisterNode;
  }
  PeerMessageType operator()(const NodeAdmitted&) {
    builder.Finish(protocol::CreateNodeAdmitted(builder));
    return PeerMessageType::NodeAdmitted;
  }
  PeerMessageType operator()(const NodeLeaves&) {
    builder.Finish(protocol::CreateNodeLeaves(builder));
    return PeerMessageType::NodeLeaves;
  }
  PeerMessageType operator()(const NodeJoined& joined) {
    const auto name = builder.CreateString(joined.name);
    const auto host = builder.CreateString(joined.address.host);
    builder.Finish(
        protocol::CreateNodeJoined(builder, ToWire(joined.node), name, host, joined.address.port));
    return PeerMessageType::NodeJoined;
  }
  PeerMessageType operator()(const NodeDead& dead) {
    builder.Finish(protocol::CreateNodeDead(builder, ToWire(dead.node)));
    return PeerMessageType::NodeDead;
  }
  PeerMessageType operator()(const ClusterEnds&) {
    builder.Finish(protocol::CreateClusterEnds(builder));
    return PeerMessageType::ClusterEnds;
  }
};

}  // namespace

cluster::Message Encode(const MemberMessage& message) {
  MemberEncoder encoder;
  const PeerMessageType type = std::visit(encoder, message);
  const uint8_t* bytes = encoder.builder.GetBufferPointer();
  std::vector<uint8_t> payload(bytes, bytes + encoder.builder.GetSize());
  return {.type = static_cast<uint16_t>(type),
          .payload = cluster::SharedBytes::Of(std::move(payload))};
}

Result<MemberMessage> DecodeMemberMessage(uint16_t type, std::span<const uint8_t> payload) {
  const auto breach = [type] {
    return Status::ProtocolError("a message of type " + std::to_string(type) +
                                 " that no node of this version says");
  };
  // Made in its place: GCC 12 with sanitizers is mistaken about a variant that is returned at once.
  MemberMessage message;
  switch (static_cast<PeerMessageType>(type)) {
    case PeerMessageType::RegisterNode: {
      const auto* said = VerifiedMessage<protocol::RegisterNode>(payload);
      if (said == nullptr) return breach();
      auto& node = message.emplace<RegisterNode>();
      node.name = said->name()->str();
      node.address = {said->host()->str(), said->port()};
      return message;
    }
    case PeerMessageType::NodeJoined: {
      const auto* said = VerifiedMessage<protocol::NodeJoined>(payload);
      if (said == nullptr) return breach();
      auto& joined = message.emplace<NodeJoined>();
      joined.node = FromWire<NodeId>(*said->node());
      joined.name = said->name()->str();
      joined.address = {said->host()->str(), said->port()};
      return message;
    }
    case PeerMessageType::NodeDead: {
      const auto* said = VerifiedMessage<protocol::NodeDead>(payload);
      if (said == nullptr) return breach();
      message.emplace<NodeDead>().node = FromWire<NodeId>(*said->node());
      return message;
    }
    case PeerMessageType::NodeAdmitted:
      message.emplace<NodeAdmitted>();
      return message;
    case PeerMessageType::NodeLeaves:
      message.emplace<NodeLeaves>();
      return message;
    case PeerMessageType::ClusterEnds:
      message.emplace<ClusterEnds>();
      return message;
    default:
      break;
  }
  return breach();
}

}  // namespace rayx::wire
