// What a node and its cluster's head say to each other in their session, about who is a member.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "cluster/wire_values.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/host_port.h"

namespace rayx::wire {

// Told in common/protocol/nodes.fbs, by the same names.
struct RegisterNode {
  std::string name;
  HostPort address;
};
struct NodeAdmitted {};
struct NodeLeaves {};
struct NodeJoined {
  NodeId node;
  std::string name;
  HostPort address;
};
struct NodeDead {
  NodeId node;
};
struct ClusterEnds {};

using MemberMessage =
    std::variant<RegisterNode, NodeAdmitted, NodeLeaves, NodeJoined, NodeDead, ClusterEnds>;

// The other types are for what nodes say to each other otherwise.
inline bool IsMemberMessage(uint16_t type) { return type < 20; }
cluster::Message Encode(const MemberMessage& message);
// ProtocolError for what no node of this version says.
Result<MemberMessage> DecodeMemberMessage(uint16_t type, std::span<const uint8_t> payload);

}  // namespace rayx::wire
