// What a node is in its cluster, as it knows itself.
//
//   kJoining ──OnAdmitted──▶ kMember ──OnDeclaredDead──▶ kEnding ──OnWorkEnded(new id)──▶ kJoining
//       └───────────────────OnDeclaredDead───────────────────▲
//
// A node that learns that it was declared dead is late: others have done its work again by now. It
// ends all that it runs for others, forgets what it held of them, and joins under a new id, as if
// it had just started.
#pragma once

#include <variant>
#include <vector>

#include "common/base/ids.h"

namespace rayx::cluster {

// Register with the head under this id. Again, if the session with the head ends before the answer.
struct RegisterNode {
  NodeId node;
};

// All sessions of the node end under this id. End the workers that run for others and drop what was
// held of theirs; then OnWorkEnded.
struct EndWork {
  NodeId node;
};

using MemberEffect = std::variant<RegisterNode, EndWork>;

class Member {
 public:
  enum class State { kJoining, kMember, kEnding };

  // The first effect is to register.
  explicit Member(const NodeId& node) : node_(node), effects_{RegisterNode{node}} {}

  // The head's answer to `node`; one to a former id is too late and is ignored.
  void OnAdmitted(const NodeId& node);
  // Anybody says so of `node`, and may say it again: the head's answer, a refusal, the table of
  // nodes. Ignored if it is a former id.
  void OnDeclaredDead(const NodeId& node);
  // The session with the head has ended, though this node was not declared dead: it registers
  // again, under the same id, and the answer tells whether that is still good.
  void OnHeadLost();
  // REQUIRES: kEnding, and an id that nobody has had.
  void OnWorkEnded(const NodeId& fresh);

  State state() const { return state_; }
  const NodeId& node() const { return node_; }
  std::vector<MemberEffect> TakeEffects();

 private:
  NodeId node_;
  State state_ = State::kJoining;
  std::vector<MemberEffect> effects_;
};

}  // namespace rayx::cluster
