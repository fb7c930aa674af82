#include "cluster/liveness.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"

namespace rayx::cluster {
namespace {

// A loop that turns at the given times, and one peer.
class LivenessTest : public ::testing::Test {
 protected:
  void Turn(int64_t now_ms) {
    watch_.OnTurn(now_ms);
    peer_.OnTurn(now_ms, watch_.awake_since_ms());
  }
  // As often as it should.
  void TurnUntil(int64_t begin_ms, int64_t end_ms) {
    for (int64_t now_ms = begin_ms; now_ms <= end_ms; now_ms += 100) Turn(now_ms);
  }

  TurnWatch watch_;
  Liveness peer_{0};
};

TEST_F(LivenessTest, SilenceMakesSuspiciousAndThenSilent) {
  TurnUntil(0, limits::kPeerSuspectMs - 100);
  EXPECT_FALSE(peer_.is_suspect());
  Turn(limits::kPeerSuspectMs);
  EXPECT_TRUE(peer_.is_suspect());
  TurnUntil(limits::kPeerSuspectMs, limits::kPeerSilenceMs - 100);
  EXPECT_FALSE(peer_.is_silent());
  Turn(limits::kPeerSilenceMs);
  EXPECT_TRUE(peer_.is_silent());
}

TEST_F(LivenessTest, WhateverIsHeardEndsTheSilence) {
  TurnUntil(0, 4900);
  peer_.OnHeard();
  TurnUntil(5000, 6900);
  EXPECT_FALSE(peer_.is_suspect());
  EXPECT_EQ(peer_.SilentMs(), 10000);
}

TEST_F(LivenessTest, ASignIsOwedWhenNothingWasSaid) {
  TurnUntil(0, 400);
  EXPECT_FALSE(peer_.owes_sign());
  Turn(limits::kPeerSignMs);
  EXPECT_TRUE(peer_.owes_sign());
  peer_.OnSaid();
  Turn(600);
  EXPECT_FALSE(peer_.owes_sign());
  EXPECT_EQ(peer_.SignMs(), 600 + limits::kPeerSignMs);
}

TEST_F(LivenessTest, TheFirstTurnAfterAStallAccusesNobody) {
  TurnUntil(0, 4900);
  Turn(4900 + 7000);
  EXPECT_FALSE(peer_.is_silent());
  EXPECT_FALSE(peer_.is_suspect());
  TurnUntil(11900, 11900 + 4900);
  EXPECT_FALSE(peer_.is_silent());
  Turn(11900 + 5000);
  EXPECT_TRUE(peer_.is_silent()) << "it had as long as anybody";
}

TEST_F(LivenessTest, TurnsAsLateAsMayBeAreNoStall) {
  for (int64_t now_ms = 0; now_ms < 6000; now_ms += limits::kLoopStallMs - 1) Turn(now_ms);
  EXPECT_TRUE(peer_.is_silent());
  EXPECT_EQ(watch_.awake_since_ms(), 0);
}

TEST(TurnWatch, ARestIsNotSoLongAsAStall) {
  TurnWatch watch;
  watch.OnTurn(100);
  EXPECT_EQ(watch.NextTurnMs(), 100 + limits::kPeerSignMs);
  EXPECT_LT(watch.NextTurnMs() - 100, limits::kLoopStallMs);
}

}  // namespace
}  // namespace rayx::cluster
