#include "sim/cluster/ledger.h"

namespace rayx::cluster_sim {

void Ledger::OnBegun(const NodeId& self, const NodeId& peer, uint64_t session) {
  Side& side = At(self, peer, session);
  if (side.has_begun) Break("a session has begun twice", self, peer, session);
  side.has_begun = true;
}

uint64_t Ledger::OnSent(const NodeId& self, const NodeId& peer, uint64_t session) {
  return ++At(self, peer, session).sent;
}

void Ledger::OnReceived(const NodeId& self, const NodeId& peer, uint64_t session, uint64_t index) {
  ++received_;
  Side& side = At(self, peer, session);
  if (!side.has_begun) Break("a frame of a session that has not begun", self, peer, session);
  if (side.has_ended) Break("a frame after the end", self, peer, session);
  if (index <= side.received) Break("a frame has come twice", self, peer, session);
  if (index > side.received + 1) Break("a frame is lost", self, peer, session);
  const Side& other = At(peer, self, session);
  if (index > other.sent) Break("a frame of nobody", self, peer, session);
  if (other.is_unheard) Break("a frame of who was told that it is unheard", self, peer, session);
  side.received = index;
}

void Ledger::OnEnded(const NodeId& self, const NodeId& peer, uint64_t session, bool is_unheard) {
  Side& side = At(self, peer, session);
  if (!side.has_begun) Break("a session has ended that has not begun", self, peer, session);
  if (side.has_ended) Break("a session has ended twice", self, peer, session);
  side.has_ended = true;
  side.is_unheard = is_unheard;
  const bool was_heard = At(peer, self, session).received > 0;
  if (is_unheard && was_heard) Break("who was heard is told that it is not", self, peer, session);
}

void Ledger::Break(const std::string& rule, const NodeId& self, const NodeId& peer,
                   uint64_t session) {
  if (!broken_.empty()) return;
  broken_ = rule + ": session " + std::to_string(session) + " of " + self.Hex().substr(0, 4) +
            " with " + peer.Hex().substr(0, 4);
}

}  // namespace rayx::cluster_sim
