#include "cluster/member.h"

#include <utility>

#include "common/base/check.h"

namespace rayx::cluster {

void Member::OnAdmitted(const NodeId& node) {
  if (node == node_ && state_ == State::kJoining) state_ = State::kMember;
}

void Member::OnDeclaredDead(const NodeId& node) {
  if (node != node_ || state_ == State::kEnding) return;
  state_ = State::kEnding;
  effects_.emplace_back(EndWork{node_});
}

void Member::OnHeadLost() {
  if (state_ == State::kEnding) return;
  state_ = State::kJoining;
  effects_.emplace_back(RegisterNode{node_});
}

void Member::OnWorkEnded(const NodeId& fresh) {
  RAYX_CHECK(state_ == State::kEnding && fresh != node_);
  node_ = fresh;
  state_ = State::kJoining;
  effects_.emplace_back(RegisterNode{node_});
}

std::vector<MemberEffect> Member::TakeEffects() { return std::exchange(effects_, {}); }

}  // namespace rayx::cluster
