// What nodes and the global scheduler say to each other, as frames and back.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/base/resources.h"
#include "common/base/status.h"
#include "common/io/frame.h"
#include "placement/offer.h"

namespace rayx::global_scheduler {

// ---- a node to the scheduler --------------------------------------------------------------------

// placement::NodeFacts: the first message of each connection.

// What tasks hold and wait for that were not placed there, see scheduling.fbs.
struct Load {
  ResourceSet local;
};
struct Offers {
  std::vector<placement::Offer> offers;
};
struct Withdrawals {
  std::vector<placement::OfferName> offers;
};
// From the head.
struct DeadNodes {
  std::vector<NodeId> nodes;
};
using FromNode = std::variant<placement::NodeFacts, Load, Offers, Withdrawals, DeadNodes>;

// ---- the scheduler to a node --------------------------------------------------------------------

struct Registered {};
struct Refusal {
  std::string reason;
};
struct Placement {
  placement::OfferName offer;
  NodeId node;
};
struct Placements {
  std::vector<Placement> placements;
};
struct Unplaceable {
  std::vector<placement::OfferName> offers;
  std::string reason;
  // They are not offered any more.
  bool for_ever = false;
};
struct NodeChanges {
  std::vector<NodeId> joined;
  std::vector<NodeId> dead;
};
using FromScheduler = std::variant<Registered, Refusal, Placements, Unplaceable, NodeChanges>;

// A frame's type and payload.
struct EncodedFrame {
  uint16_t type = 0;
  std::vector<uint8_t> payload;
};

EncodedFrame Encode(const FromNode& message);
EncodedFrame Encode(const FromScheduler& message);

// ProtocolError for bytes that no node (or scheduler) of this version says; of a first message of
// another version, one that says so.
Result<FromNode> DecodeFromNode(const Frame& frame);
Result<FromScheduler> DecodeFromScheduler(const Frame& frame);

}  // namespace rayx::global_scheduler
