// What homes and the global scheduler say to each other, and what the scheduler wants said.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/base/resources.h"

namespace rayx::placement {

// One connection of a node, in order of arrival; never reused.
using SessionNumber = Number<struct SessionTag>;
inline constexpr SessionNumber kAllSessions(0);

// A large input of a task, and nodes that have it.
struct OfferInput {
  uint64_t bytes = 0;
  std::vector<NodeId> nodes;
};

// A task that its home would have run elsewhere, until it is withdrawn.
struct Offer {
  TaskId task;
  // Counts on whenever the home has to find another node for it.
  uint32_t attempt = 0;
  ResourceSet demand;
  // Higher is placed first, among those of one home.
  int32_t priority = 0;
  std::vector<OfferInput> inputs;
  // Where it is already, when its home tells a scheduler that has just started; nil: nowhere.
  NodeId placed_on;
};

struct NodeFacts {
  NodeId node;
  ResourceSet total;
  // Other nodes that it has been told of, which will register soon if this scheduler is new.
  std::vector<NodeId> known;
  // It is drained: it offers, and takes nothing.
  bool is_draining = false;
};

// ---- effects ------------------------------------------------------------------------------------

struct OfferName {
  TaskId task;
  uint32_t attempt = 0;

  friend bool operator==(const OfferName&, const OfferName&) = default;
};

// The home shall have the task run there. The offer counts as placed until it is withdrawn; offered
// again, it is placed anew.
struct Place {
  SessionNumber home = kAllSessions;
  OfferName offer;
  NodeId node;
};

// No node could run these, whatever ends. They stay offered, for nodes that may join; told once of
// each ...
struct Pending {
  SessionNumber home = kAllSessions;
  std::vector<OfferName> offers;
  std::string reason;
};

// ... unless no node will join: then they are offered no more.
struct Infeasible {
  SessionNumber home = kAllSessions;
  std::vector<OfferName> offers;
  std::string reason;
};

// To one session, or to all: a hint, since sessions between nodes tell who lives.
struct NodeJoined {
  SessionNumber to = kAllSessions;
  NodeId node;
};
struct NodeDead {
  NodeId node;
};

// Nothing of it is wanted any more.
struct CloseSession {
  SessionNumber session = kAllSessions;
  std::string reason;
};

using Effect = std::variant<Place, Pending, Infeasible, NodeJoined, NodeDead, CloseSession>;

}  // namespace rayx::placement
