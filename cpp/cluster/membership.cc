#include "cluster/membership.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"

namespace rayx::cluster {

void Membership::Expect(const NodeId& node) {
  if (!IsMember(node) && !IsDead(node)) missing_.emplace(node, std::nullopt);
}

Admission Membership::OnRegister(const NodeId& node, const MemberFacts& facts) {
  if (IsDead(node)) return Admission::kDead;
  missing_.erase(node);
  if (IsMember(node)) return Admission::kKnown;
  std::vector<NodeId> predecessors;
  for (const auto& [member, known] : members_) {
    if (known.address == facts.address) predecessors.push_back(member);
  }
  for (const NodeId& predecessor : predecessors) Bury(predecessor, EndReason::kReplaced);
  members_[node] = facts;
  effects_.emplace_back(MemberJoined{node, facts});
  return Admission::kNew;
}

void Membership::Restore(const NodeId& node, const MemberFacts& facts) {
  members_[node] = facts;
  missing_[node] = std::nullopt;
}

void Membership::OnSessionEnded(const NodeId& node, EndReason reason) {
  if (!IsMember(node) && !missing_.contains(node)) return;
  if (reason != EndReason::kEndedByPeer) return Bury(node, reason);
  missing_.emplace(node, std::nullopt);
}

void Membership::OnTurn(int64_t now_ms) {
  watch_.OnTurn(now_ms);
  std::vector<NodeId> late;
  for (auto& [node, since_ms] : missing_) {
    if (!since_ms) since_ms = now_ms;
    if (now_ms >= DeadlineOf(*since_ms)) late.push_back(node);
  }
  for (const NodeId& node : late) Bury(node, EndReason::kSilent);
}

std::optional<int64_t> Membership::NextTickMs() const {
  std::optional<int64_t> next;
  for (const auto& [node, since_ms] : missing_) {
    const int64_t deadline = DeadlineOf(since_ms.value_or(0));
    next = std::min(next.value_or(watch_.NextTurnMs()), deadline);
  }
  return next;
}

int64_t Membership::DeadlineOf(int64_t since_ms) const {
  return std::max(since_ms, watch_.awake_since_ms()) + limits::kMemberReturnMs;
}

void Membership::Bury(const NodeId& node, EndReason reason) {
  if (members_.erase(node) + missing_.erase(node) == 0) return;
  dead_.insert(node);
  effects_.emplace_back(MemberDead{node, reason});
}

std::vector<MembershipEffect> Membership::TakeEffects() { return std::exchange(effects_, {}); }

}  // namespace rayx::cluster
