// What two nodes say to each other first, on each connection between them: who dials, for what, and
// whether the two can work together at all.
//
//   dialler                       listener
//      │── NodeHello ────────────────▶│   both have proven the cluster's key
//      │◀─ NodeWelcome, or NodeRefused │
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/frame.h"
#include "common/protocol/generated/nodes_generated.h"

namespace rayx::wire {

struct NodeGreeting {
  protocol::ConnectionKind kind = protocol::ConnectionKind::Control;
  NodeId node = {};
  // Nil: it joins.
  ClusterId cluster = {};
  // Tables: which control server.
  uint32_t server = 0;
};

struct NodeAdmission {
  NodeId node = {};
  ClusterId cluster = {};
  uint32_t servers = 0;
};

struct NodeRefusal {
  std::string reason;
  bool declared_dead = false;
};

// A greeting and its answers are no larger than this.
inline constexpr size_t kGreetingBytesMax = 2048;

// Whole frames.
std::vector<uint8_t> EncodeGreeting(const NodeGreeting& greeting,
                                    const std::string& python_version);
std::vector<uint8_t> EncodeAnswer(const NodeAdmission& admission);
std::vector<uint8_t> EncodeAnswer(const NodeRefusal& refusal);

// The listener's side. InvalidArgument, with what to answer, if the dialler speaks another version
// of the protocol or has another Python; ProtocolError if it sent no greeting.
Result<NodeGreeting> DecodeGreeting(const Frame& frame, const std::string& python_version);

// The dialler's side. ProtocolError if it is no answer.
Result<std::variant<NodeAdmission, NodeRefusal>> DecodeAnswer(const Frame& frame);

}  // namespace rayx::wire
