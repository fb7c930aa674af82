#include "cluster/member.h"

#include <gtest/gtest.h>

#include "cluster/example_nodes.h"

namespace rayx::cluster {
namespace {

TEST(Member, RegistersAndIsAdmitted) {
  Member member(NodeOf(1));
  EXPECT_EQ(Only<RegisterNode>(member.TakeEffects()).at(0).node, NodeOf(1));
  member.OnAdmitted(NodeOf(2));
  EXPECT_EQ(member.state(), Member::State::kJoining);
  member.OnAdmitted(NodeOf(1));
  EXPECT_EQ(member.state(), Member::State::kMember);
}

TEST(Member, ADeadOneEndsItsWorkOnceAndComesBackUnderANewId) {
  Member member(NodeOf(1));
  member.OnAdmitted(NodeOf(1));
  (void)member.TakeEffects();
  member.OnDeclaredDead(NodeOf(1));
  member.OnDeclaredDead(NodeOf(1));
  member.OnHeadLost();
  const auto effects = member.TakeEffects();
  ASSERT_EQ(effects.size(), 1u);
  EXPECT_EQ(std::get<EndWork>(effects[0]).node, NodeOf(1));
  member.OnWorkEnded(NodeOf(2));
  EXPECT_EQ(Only<RegisterNode>(member.TakeEffects()).at(0).node, NodeOf(2));
  // What is said of its former life does not concern it any more.
  member.OnDeclaredDead(NodeOf(1));
  member.OnAdmitted(NodeOf(1));
  EXPECT_EQ(member.state(), Member::State::kJoining);
  EXPECT_TRUE(member.TakeEffects().empty());
}

TEST(Member, WithoutItsHeadItRegistersAgainUnderTheSameId) {
  Member member(NodeOf(1));
  member.OnAdmitted(NodeOf(1));
  (void)member.TakeEffects();
  member.OnHeadLost();
  EXPECT_EQ(Only<RegisterNode>(member.TakeEffects()).at(0).node, NodeOf(1));
  EXPECT_EQ(member.state(), Member::State::kJoining);
}

}  // namespace
}  // namespace rayx::cluster
