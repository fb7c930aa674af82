#include "cluster/membership.h"

#include <gtest/gtest.h>

#include "cluster/example_nodes.h"
#include "common/base/limits.h"

namespace rayx::cluster {
namespace {

MemberFacts At(const std::string& address) { return {.name = "node", .address = address}; }

class MembershipTest : public ::testing::Test {
 protected:
  void TurnUntil(int64_t end_ms) {
    for (; now_ms_ < end_ms; now_ms_ += 250) membership_.OnTurn(now_ms_);
  }

  Membership membership_;
  int64_t now_ms_ = 0;
};

TEST_F(MembershipTest, EachNodeJoinsOnce) {
  EXPECT_EQ(membership_.OnRegister(NodeOf(1), At("a:1")), Admission::kNew);
  EXPECT_EQ(membership_.OnRegister(NodeOf(1), At("a:1")), Admission::kKnown);
  EXPECT_EQ(Only<MemberJoined>(membership_.TakeEffects()).size(), 1u);
  EXPECT_TRUE(membership_.IsMember(NodeOf(1)));
}

TEST_F(MembershipTest, ADeadNodeIsNeverAMemberAgain) {
  EXPECT_EQ(membership_.OnRegister(NodeOf(1), At("a:1")), Admission::kNew);
  (void)membership_.TakeEffects();
  membership_.OnSessionEnded(NodeOf(1), EndReason::kSilent);
  membership_.OnSessionEnded(NodeOf(1), EndReason::kSilent);
  const auto dead = Only<MemberDead>(membership_.TakeEffects());
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].reason, EndReason::kSilent);
  EXPECT_EQ(membership_.OnRegister(NodeOf(1), At("a:1")), Admission::kDead);
  EXPECT_FALSE(membership_.IsMember(NodeOf(1)));
  EXPECT_TRUE(membership_.TakeEffects().empty());
}

TEST_F(MembershipTest, TheSuccessorAtAnAddressBuriesWhoHadIt) {
  EXPECT_EQ(membership_.OnRegister(NodeOf(1), At("a:1")), Admission::kNew);
  EXPECT_EQ(membership_.OnRegister(NodeOf(2), At("b:1")), Admission::kNew);
  EXPECT_EQ(membership_.OnRegister(NodeOf(3), At("a:1")), Admission::kNew);
  const auto dead = Only<MemberDead>(membership_.TakeEffects());
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].node, NodeOf(1));
  EXPECT_EQ(dead[0].reason, EndReason::kReplaced);
  EXPECT_TRUE(membership_.IsMember(NodeOf(2)));
}

TEST_F(MembershipTest, WhoLeavesIsDeadAndStrangersAreIgnored) {
  EXPECT_EQ(membership_.OnRegister(NodeOf(1), At("a:1")), Admission::kNew);
  membership_.OnLeave(NodeOf(1));
  EXPECT_TRUE(membership_.IsDead(NodeOf(1)));
  membership_.OnLeave(NodeOf(2));
  membership_.OnSessionEnded(NodeOf(2), EndReason::kSilent);
  EXPECT_FALSE(membership_.IsDead(NodeOf(2))) << "it may still register";
}

// It may have told the tables of itself already.
TEST_F(MembershipTest, WhoIsExpectedAndDoesNotRegisterIsDead) {
  membership_.Expect(NodeOf(1));
  membership_.Expect(NodeOf(2));
  membership_.Expect(NodeOf(3));
  EXPECT_FALSE(membership_.IsMember(NodeOf(1)));
  EXPECT_EQ(membership_.OnRegister(NodeOf(1), At("a:1")), Admission::kNew);
  membership_.OnSessionEnded(NodeOf(2), EndReason::kGone);
  EXPECT_TRUE(membership_.IsDead(NodeOf(2))) << "its process is gone";
  TurnUntil(limits::kMemberReturnMs);
  EXPECT_FALSE(membership_.IsDead(NodeOf(3))) << "it has time";
  TurnUntil(limits::kMemberReturnMs + 500);
  EXPECT_TRUE(membership_.IsMember(NodeOf(1)));
  EXPECT_TRUE(membership_.IsDead(NodeOf(3)));
  EXPECT_EQ(Only<MemberDead>(membership_.TakeEffects()).size(), 2u);
  EXPECT_EQ(membership_.NextTickMs(), std::nullopt);
}

TEST_F(MembershipTest, AMemberIsNotExpectedAgain) {
  EXPECT_EQ(membership_.OnRegister(NodeOf(1), At("a:1")), Admission::kNew);
  membership_.Expect(NodeOf(1));
  membership_.OnLeave(NodeOf(2));
  TurnUntil(2 * limits::kMemberReturnMs);
  EXPECT_TRUE(membership_.IsMember(NodeOf(1)));
  EXPECT_FALSE(membership_.IsDead(NodeOf(2)));
}

TEST_F(MembershipTest, WhoHasFoundTheHeadSilentMayRegisterAgain) {
  EXPECT_EQ(membership_.OnRegister(NodeOf(1), At("a:1")), Admission::kNew);
  EXPECT_EQ(membership_.OnRegister(NodeOf(2), At("b:1")), Admission::kNew);
  TurnUntil(1000);
  membership_.OnSessionEnded(NodeOf(1), EndReason::kEndedByPeer);
  membership_.OnSessionEnded(NodeOf(2), EndReason::kEndedByPeer);
  TurnUntil(1000 + limits::kMemberReturnMs);
  EXPECT_EQ(membership_.OnRegister(NodeOf(1), At("a:1")), Admission::kKnown);
  TurnUntil(1250 + limits::kMemberReturnMs);
  EXPECT_TRUE(membership_.IsMember(NodeOf(1)));
  EXPECT_TRUE(membership_.IsDead(NodeOf(2))) << "it had its time";
  EXPECT_EQ(membership_.NextTickMs(), std::nullopt);
}

TEST_F(MembershipTest, TheHeadsOwnStallIsNobodysDelay) {
  EXPECT_EQ(membership_.OnRegister(NodeOf(1), At("a:1")), Admission::kNew);
  TurnUntil(1000);
  membership_.OnSessionEnded(NodeOf(1), EndReason::kEndedByPeer);
  TurnUntil(2000);
  EXPECT_TRUE(membership_.NextTickMs().has_value());
  EXPECT_LE(*membership_.NextTickMs(), now_ms_ + limits::kPeerSignMs);
  now_ms_ += 20000;
  membership_.OnTurn(now_ms_);
  EXPECT_TRUE(membership_.IsMember(NodeOf(1)));
  TurnUntil(now_ms_ + limits::kMemberReturnMs + 250);
  EXPECT_TRUE(membership_.IsDead(NodeOf(1)));
}

TEST_F(MembershipTest, AHeadThatStartsAgainWaitsForThoseItHad) {
  membership_.Restore(NodeOf(1), At("a:1"));
  membership_.Restore(NodeOf(2), At("b:1"));
  membership_.RestoreDead(NodeOf(3));
  EXPECT_EQ(membership_.OnRegister(NodeOf(3), At("c:1")), Admission::kDead);
  EXPECT_EQ(membership_.OnRegister(NodeOf(1), At("a:1")), Admission::kKnown);
  TurnUntil(limits::kMemberReturnMs + 250);
  EXPECT_TRUE(membership_.IsMember(NodeOf(1)));
  EXPECT_TRUE(membership_.IsDead(NodeOf(2)));
}

}  // namespace
}  // namespace rayx::cluster
