// The sessions with other nodes that have begun and have not ended.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/ids.h"

namespace rayx::node {

struct SessionEnd {
  // For people: "silent".
  std::string reason;
  // The other node has heard nothing of this one in the session.
  bool is_unheard = false;
};

class NodeSessions {
 public:
  // `session` is a client id that no other client has had.
  void Begin(ClientId session, const NodeId& node) { nodes_[session] = node; }
  void End(ClientId session) { nodes_.erase(session); }

  bool Contains(ClientId session) const { return nodes_.contains(session); }
  // REQUIRES: Contains.
  const NodeId& NodeOf(ClientId session) const { return nodes_.at(session); }
  std::vector<ClientId> All() const {
    std::vector<ClientId> all;
    for (const auto& [session, node] : nodes_) all.push_back(session);
    return all;
  }
  // kNoClient if there is none.
  ClientId With(const NodeId& node) const {
    for (const auto& [session, other] : nodes_) {
      if (other == node) return session;
    }
    return kNoClient;
  }

 private:
  std::map<ClientId, NodeId> nodes_;
};

}  // namespace rayx::node
