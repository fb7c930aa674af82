// What has happened in each session of a simulation, on both of its sides, and the rules about it.
//
// A message says which one of its direction it is: so one that is lost, comes twice, or comes too
// early is seen when it, or the next one, arrives.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "common/base/ids.h"

namespace rayx::cluster_sim {

class Ledger {
 public:
  struct Side {
    bool has_begun = false;
    bool has_ended = false;
    // As this side was told: the other one has heard nothing of it.
    bool is_unheard = false;
    uint64_t sent = 0;
    uint64_t received = 0;
  };

  // Each for the side of `self`.
  void OnBegun(const NodeId& self, const NodeId& peer, uint64_t session);
  // The index that the message must carry.
  uint64_t OnSent(const NodeId& self, const NodeId& peer, uint64_t session);
  void OnReceived(const NodeId& self, const NodeId& peer, uint64_t session, uint64_t index);
  void OnEnded(const NodeId& self, const NodeId& peer, uint64_t session, bool is_unheard);

  const Side& Of(const NodeId& self, const NodeId& peer, uint64_t session) {
    return At(self, peer, session);
  }
  const std::string& broken() const { return broken_; }
  uint64_t sessions() const { return sides_.size() / 2; }
  uint64_t received() const { return received_; }

 private:
  Side& At(const NodeId& self, const NodeId& peer, uint64_t session) {
    sides_[{peer, self, session}];
    return sides_[{self, peer, session}];
  }
  void Break(const std::string& rule, const NodeId& self, const NodeId& peer, uint64_t session);

  std::map<std::tuple<NodeId, NodeId, uint64_t>, Side> sides_;
  uint64_t received_ = 0;
  std::string broken_;
};

}  // namespace rayx::cluster_sim
