#include "daemon/latency/pace_policy.h"

#include <gtest/gtest.h>

namespace rayx::daemon {
namespace {

using Kind = SleepPlan::Kind;

class PacePolicyTest : public ::testing::Test {
 protected:
  // So many quick turns without a lease; the plan after the last.
  SleepPlan Turns(int count, bool all_prefetched, Audience audience = Audience::kThisMachine) {
    SleepPlan plan;
    for (int i = 0; i < count; ++i) {
      plan = policy_.OnTurnEnd({.now_us = now_us_ += 10, .audience = audience}, [&] {
        ++looks_;
        return all_prefetched;
      });
    }
    return plan;
  }
  SleepPlan PairTurnEnds(TurnLoad load) {
    return policy_.OnTurnEnd(load, [] {
      ADD_FAILURE() << "nobody prefetches while a pair is open";
      return true;
    });
  }
  // Tasks one by one, so long after each other.
  void Submit(int count, int64_t us) {
    for (int i = 0; i < count; ++i) policy_.OnSubmit(1, now_us_ += us);
  }

  PacePolicy policy_;
  int64_t now_us_ = 0;
  int looks_ = 0;
};

TEST_F(PacePolicyTest, ABurstWithTasksPrefetchedIsPausedFor) {
  const SleepPlan plan = Turns(WakeCoalescing::kTurns + 1, true);
  EXPECT_EQ(plan.kind, Kind::kPause);
  EXPECT_EQ(plan.us, WakeCoalescing::kPauseUs);
  policy_.OnPaused(now_us_ += 10 * WakeCoalescing::kPauseUs);
  EXPECT_EQ(Turns(1, true).kind, Kind::kPause) << "a pause is no idle time";
}

TEST_F(PacePolicyTest, ABurstWithoutIsNot) {
  EXPECT_EQ(Turns(WakeCoalescing::kTurns + 1, false).kind, Kind::kNone);
}

TEST_F(PacePolicyTest, TheWorkersAreLookedAtOnlyIfItDecides) {
  Turns(WakeCoalescing::kTurns, true);
  EXPECT_EQ(looks_, 0) << "no burst yet";
  Turns(1, true);
  EXPECT_EQ(looks_, 1);
  Turns(1, true, Audience::kOtherNodes);
  EXPECT_EQ(looks_, 1);
}

TEST_F(PacePolicyTest, APairThatIsAloneIsSleptThroughUntilSomebodyRings) {
  const SleepPlan plan = PairTurnEnds({.pair = PairTurn::kAlone});
  EXPECT_EQ(plan.kind, Kind::kUntilRung);
  EXPECT_EQ(plan.us, PacePolicy::kPairSleepUs);
  EXPECT_EQ(PairTurnEnds({.pair = PairTurn::kMixed}).kind, Kind::kNone);
}

TEST_F(PacePolicyTest, TheEndsOfAPairSpinIfTheyTakeNobodysProcessor) {
  EXPECT_TRUE(PairTurnEnds({.pair = PairTurn::kMixed, .cpus_spare = true}).may_spin);
  EXPECT_TRUE(PairTurnEnds({.pair = PairTurn::kAlone, .cpus_spare = true}).may_spin);
  EXPECT_FALSE(PairTurnEnds({.pair = PairTurn::kAlone}).may_spin);
}

TEST_F(PacePolicyTest, OtherNodesSwitchAllModerationOff) {
  EXPECT_EQ(Turns(WakeCoalescing::kTurns + 1, true, Audience::kOtherNodes).kind, Kind::kNone);
  EXPECT_EQ(PairTurnEnds({.audience = Audience::kOtherNodes, .pair = PairTurn::kAlone}).kind,
            Kind::kNone);
  Submit(PingPong::kRounds + 1, 100);
  EXPECT_TRUE(policy_.meets(false, Audience::kThisMachine));
  EXPECT_FALSE(policy_.meets(false, Audience::kOtherNodes));
}

TEST_F(PacePolicyTest, TheyMeetUntilAPairIsOpen) {
  EXPECT_FALSE(policy_.meets(false, Audience::kThisMachine));
  Submit(PingPong::kRounds + 1, 100);
  EXPECT_TRUE(policy_.meets(false, Audience::kThisMachine));
  EXPECT_FALSE(policy_.meets(true, Audience::kThisMachine));
}

TEST_F(PacePolicyTest, ALinePaysInRoundsThatAreTooSlowToMeetFor) {
  Submit(PingPong::kRounds + 1, PacePolicy::kPairRoundUs - 1);
  EXPECT_TRUE(policy_.pair_pays());
  EXPECT_FALSE(policy_.meets(false, Audience::kThisMachine));
  Submit(1, PacePolicy::kPairRoundUs);
  EXPECT_FALSE(policy_.pair_pays());
}

}  // namespace
}  // namespace rayx::daemon
