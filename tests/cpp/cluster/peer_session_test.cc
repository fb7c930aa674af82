#include "cluster/peer_session.h"

#include <gtest/gtest.h>

#include "cluster/example_nodes.h"
#include "common/base/limits.h"

namespace rayx::cluster {
namespace {

constexpr ConnectionId kFirst(1);
constexpr ConnectionId kSecond(2);
constexpr size_t kBytesMax = 10000;

// A session of node 2 with another one, whose part the test plays.
class PeerSessionTest : public ::testing::Test {
 protected:
  // Node 1 has the smaller id, whose dial is preferred; node 3 has not.
  explicit PeerSessionTest(uint8_t peer = 1)
      : peer_(NodeOf(peer)), session_({NodeOf(2), peer_, 5}, kBytesMax, 0) {}

  void Turn(int64_t now_ms) {
    now_ms_ = now_ms;
    session_.OnTurn(now_ms, awake_since_ms_);
  }
  Effects Take() { return session_.TakeEffects(); }
  template <typename Kind>
  std::vector<Kind> TakeOnly() {
    return Only<Kind>(Take());
  }
  // The notices of that kind which are said, whatever else.
  template <typename Kind>
  std::vector<Kind> TakeSaid() {
    std::vector<Kind> said;
    for (const SendNotice& send : TakeOnly<SendNotice>()) {
      if (const Kind* one = std::get_if<Kind>(&send.notice)) said.push_back(*one);
    }
    return said;
  }
  Hello PeerHello(uint64_t attempt, uint64_t attempt_seen = 0, uint64_t processed = 0) {
    return {peer_, NodeOf(2), 5, attempt, attempt_seen, processed};
  }
  // The other side has dialled.
  void GoUp(ConnectionId connection = kFirst, uint64_t attempt = 1, uint64_t processed = 0) {
    session_.OnNotice(connection, PeerHello(attempt, 0, processed));
    Turn(now_ms_);
    (void)Take();
  }
  // The numbers of the frames that are to be sent.
  std::vector<uint64_t> TakeFrames(ConnectionId connection) {
    std::vector<uint64_t> numbers;
    while (auto frame = session_.NextFrame(connection)) numbers.push_back(frame->numbers.number);
    return numbers;
  }
  void ExpectEnded(EndReason reason) {
    const auto ended = TakeOnly<SessionEnded>();
    ASSERT_EQ(ended.size(), 1u);
    EXPECT_EQ(ended[0].reason, reason) << ended[0].detail;
    EXPECT_EQ(ended[0].session, 5u);
    EXPECT_TRUE(session_.summary().is_ended);
  }

  NodeId peer_;
  PeerSession session_;
  int64_t now_ms_ = 0;
  int64_t awake_since_ms_ = 0;
};

class PreferredSessionTest : public PeerSessionTest {
 protected:
  PreferredSessionTest() : PeerSessionTest(3) {}
};

// ---- connections
// -----------------------------------------------------------------------------------

TEST_F(PeerSessionTest, DialsAndSaysHello) {
  Turn(0);
  const auto dials = TakeOnly<Dial>();
  ASSERT_EQ(dials.size(), 1u);
  EXPECT_EQ(dials[0].peer, peer_);
  session_.OnDialled(dials[0].attempt, kFirst);
  const Hello expected{NodeOf(2), peer_, 5, 1, 0, 0};
  EXPECT_EQ(TakeSaid<Hello>(), std::vector<Hello>{expected});
  EXPECT_FALSE(session_.summary().is_up);
  session_.OnNotice(kFirst, Welcome{1, 0});
  EXPECT_TRUE(session_.summary().is_up);
  EXPECT_EQ(session_.summary().connection, kFirst);
}

TEST_F(PeerSessionTest, WelcomesAHello) {
  session_.OnNotice(kFirst, PeerHello(1));
  EXPECT_EQ(TakeSaid<Welcome>(), (std::vector<Welcome>{{1, 0}}));
  EXPECT_TRUE(session_.summary().is_up);
}

TEST_F(PeerSessionTest, ALostConnectionIsDialledAtOnceButNotAllTheTime) {
  Turn(0);
  session_.OnDialled(1, kFirst);
  session_.OnNotice(kFirst, Welcome{1, 0});
  Turn(1000);
  (void)Take();
  session_.OnClosed(kFirst);
  Turn(1000);
  EXPECT_EQ(TakeOnly<Dial>().size(), 1u);
  session_.OnDialled(2, kSecond);
  session_.OnNotice(kSecond, Welcome{2, 0});
  session_.OnClosed(kSecond);
  Turn(1001);
  EXPECT_TRUE(TakeOnly<Dial>().empty());
  EXPECT_EQ(session_.NextTickMs(), 1000 + limits::kPeerRedialMs);
  Turn(1000 + limits::kPeerRedialMs);
  EXPECT_EQ(TakeOnly<Dial>().at(0).attempt, 3u);
}

TEST_F(PeerSessionTest, ADialWithoutAnswerIsGivenUpLaterEachTime) {
  int64_t patience_ms = limits::kPeerDialMsMin;
  int64_t now_ms = 0;
  for (uint64_t attempt = 1; attempt <= 3; ++attempt) {
    Turn(now_ms);
    EXPECT_EQ(TakeOnly<Dial>().at(0).attempt, attempt);
    EXPECT_EQ(session_.NextTickMs(), now_ms + patience_ms);
    Turn(now_ms + patience_ms);
    now_ms += patience_ms + limits::kPeerRedialMs;
    patience_ms = std::min(2 * patience_ms, limits::kPeerDialMsMax);
  }
  Turn(now_ms);
  // The answer to one that was given up is none.
  session_.OnDialled(1, kFirst);
  EXPECT_EQ(TakeOnly<CloseConnection>().at(0).connection, kFirst);
  session_.OnDialFailed(2, true);
  EXPECT_FALSE(session_.summary().is_ended);
}

TEST_F(PeerSessionTest, ARefusedDialMeansThatTheProcessIsGone) {
  GoUp();
  session_.OnClosed(kFirst);
  Turn(500);
  session_.OnDialFailed(TakeOnly<Dial>().at(0).attempt, true);
  ExpectEnded(EndReason::kGone);
}

TEST_F(PeerSessionTest, ADialThatFailsOtherwiseIsTriedAgain) {
  Turn(0);
  session_.OnDialFailed(1, false);
  Turn(limits::kPeerRedialMs);
  EXPECT_EQ(TakeOnly<Dial>().size(), 2u);
}

TEST_F(PeerSessionTest, ThePreferredDialOfTheOtherSideWins) {
  Turn(0);
  session_.OnDialled(1, kFirst);
  (void)Take();
  session_.OnNotice(kSecond, PeerHello(1));
  EXPECT_EQ(session_.summary().connection, kSecond);
  EXPECT_EQ(TakeOnly<CloseConnection>().at(0).connection, kFirst);
  // Too late.
  session_.OnNotice(kFirst, Welcome{1, 0});
  session_.OnClosed(kFirst);
  EXPECT_EQ(session_.summary().connection, kSecond);
}

TEST_F(PreferredSessionTest, TheOthersHelloWaitsForTheOwnDial) {
  Turn(0);
  session_.OnDialled(1, kFirst);
  session_.OnNotice(kSecond, PeerHello(1));
  (void)Take();
  EXPECT_FALSE(session_.summary().is_up);
  session_.OnNotice(kFirst, Welcome{1, 0});
  EXPECT_EQ(session_.summary().connection, kFirst);
  EXPECT_EQ(TakeOnly<CloseConnection>().at(0).connection, kSecond);
}

TEST_F(PreferredSessionTest, AHelloThatWaitsIsAnsweredIfTheOwnDialFails) {
  Turn(0);
  session_.OnNotice(kSecond, PeerHello(1));
  session_.OnDialFailed(1, true);
  EXPECT_FALSE(session_.summary().is_ended) << "it has just been heard";
  EXPECT_EQ(session_.summary().connection, kSecond);
  EXPECT_EQ(TakeSaid<Welcome>().size(), 1u);
}

TEST_F(PreferredSessionTest, AHelloDoesNotWaitLong) {
  Turn(0);
  Turn(100);
  session_.OnNotice(kSecond, PeerHello(1));
  Turn(100);
  EXPECT_EQ(session_.NextTickMs(), 100 + limits::kPeerHoldMs);
  // Another one instead does not prolong it.
  session_.OnNotice(kFirst, PeerHello(2));
  EXPECT_EQ(TakeOnly<CloseConnection>().at(0).connection, kSecond);
  Turn(100 + limits::kPeerHoldMs);
  EXPECT_EQ(session_.summary().connection, kFirst);
}

TEST_F(PreferredSessionTest, AHelloWhoseConnectionIsGoneWaitsNoLonger) {
  Turn(0);
  session_.OnNotice(kSecond, PeerHello(1));
  session_.OnClosed(kSecond);
  session_.OnDialFailed(1, true);
  ExpectEnded(EndReason::kGone);
}

// It knows the own attempt, so it has given that up.
TEST_F(PreferredSessionTest, AHelloThatHasSeenTheOwnDialDoesNotWait) {
  Turn(0);
  session_.OnDialled(1, kFirst);
  session_.OnNotice(kSecond, PeerHello(1, 1));
  EXPECT_EQ(session_.summary().connection, kSecond);
}

TEST_F(PeerSessionTest, ALateHelloChangesNothing) {
  GoUp(kFirst, 2);
  for (const uint64_t attempt : {1, 2}) {
    session_.OnNotice(kSecond, PeerHello(attempt));
    EXPECT_EQ(TakeOnly<CloseConnection>().at(0).connection, kSecond);
    EXPECT_EQ(session_.summary().connection, kFirst);
  }
}

TEST_F(PeerSessionTest, AHelloThatWasOvertakenChangesNothing) {
  Turn(0);
  session_.OnDialled(1, kFirst);
  session_.OnNotice(kFirst, Welcome{1, 0});
  (void)Take();
  session_.OnNotice(kSecond, PeerHello(1, 0));
  EXPECT_EQ(TakeOnly<CloseConnection>().at(0).connection, kSecond);
  session_.OnNotice(kSecond, PeerHello(2, 1));
  EXPECT_EQ(session_.summary().connection, kSecond) << "it knows the first, and has given it up";
}

// ---- frames
// ------------------------------------------------------------------------------------------

TEST_F(PeerSessionTest, FramesAreToldOnceAndTakenInOrder) {
  session_.Send(MessageOf(10));
  EXPECT_TRUE(TakeOnly<FramesReady>().empty());
  session_.OnNotice(kFirst, PeerHello(1));
  session_.Send(MessageOf(10));
  EXPECT_EQ(TakeOnly<FramesReady>().size(), 1u);
  EXPECT_TRUE(TakeFrames(kSecond).empty());
  EXPECT_EQ(TakeFrames(kFirst), (std::vector<uint64_t>{1, 2}));
  session_.Send(MessageOf(10));
  EXPECT_EQ(TakeOnly<FramesReady>().size(), 1u);
}

TEST_F(PeerSessionTest, WhatTheOtherSideLacksIsSentAgain) {
  GoUp();
  for (int i = 0; i < 4; ++i) session_.Send(MessageOf(10));
  EXPECT_EQ(TakeFrames(kFirst).size(), 4u);
  session_.OnNotice(kFirst, Acknowledgement{1});
  session_.OnClosed(kFirst);
  GoUp(kSecond, 2, 3);
  EXPECT_EQ(TakeFrames(kSecond), std::vector<uint64_t>{4});
  EXPECT_EQ(session_.summary().acknowledged, 3u);
}

TEST_F(PeerSessionTest, AConnectionThatReplacesAnotherGetsTheRest) {
  GoUp();
  session_.Send(MessageOf(10));
  (void)Take();
  session_.OnNotice(kSecond, PeerHello(2));
  EXPECT_EQ(TakeOnly<FramesReady>().at(0).connection, kSecond);
  EXPECT_TRUE(TakeFrames(kFirst).empty());
  EXPECT_EQ(TakeFrames(kSecond), std::vector<uint64_t>{1});
}

TEST_F(PeerSessionTest, EachFrameIsTakenOnceAndFromThePresentConnectionOnly) {
  GoUp();
  EXPECT_TRUE(session_.OnFrame(kFirst, {1, 0}, 10));
  session_.OnNotice(kSecond, PeerHello(2));
  EXPECT_EQ(TakeSaid<Welcome>(), (std::vector<Welcome>{{2, 1}}));
  EXPECT_FALSE(session_.OnFrame(kFirst, {2, 0}, 10)) << "it comes on the new one, too";
  EXPECT_TRUE(session_.OnFrame(kSecond, {2, 0}, 10));
  EXPECT_EQ(session_.summary().processed, 2u);
}

TEST_F(PeerSessionTest, AcknowledgementsWaitForCompany) {
  GoUp();
  Turn(1);
  EXPECT_TRUE(session_.OnFrame(kFirst, {1, 0}, 10));
  Turn(1);
  EXPECT_TRUE(session_.OnFrame(kFirst, {2, 0}, 10));
  Turn(5);
  EXPECT_TRUE(TakeSaid<Acknowledgement>().empty());
  EXPECT_EQ(session_.NextTickMs(), 1 + limits::kPeerAcknowledgeMs);
  Turn(1 + limits::kPeerAcknowledgeMs);
  EXPECT_EQ(TakeSaid<Acknowledgement>(), std::vector<Acknowledgement>{{2}});
  // Each frame says it as well.
  EXPECT_TRUE(session_.OnFrame(kFirst, {3, 0}, 10));
  session_.Send(MessageOf(1));
  EXPECT_EQ(session_.NextFrame(kFirst)->numbers, (FrameNumbers{1, 3}));
  Turn(100);
  EXPECT_TRUE(TakeSaid<Acknowledgement>().empty());
}

TEST_F(PeerSessionTest, MuchIsAcknowledgedAtOnce) {
  GoUp();
  EXPECT_TRUE(session_.OnFrame(kFirst, {1, 0}, limits::kPeerAcknowledgeBytes));
  Turn(0);
  EXPECT_EQ(TakeSaid<Acknowledgement>(), std::vector<Acknowledgement>{{1}});
}

TEST_F(PeerSessionTest, WhoSendsMoreThanThereIsRoomForEndsTheSession) {
  GoUp();
  const size_t room = session_.room();
  session_.Send(MessageOf(room));
  EXPECT_EQ(session_.room(), 0u);
  EXPECT_FALSE(session_.summary().is_ended);
  EXPECT_EQ(session_.summary().unacknowledged_bytes, kBytesMax);
  session_.Send(MessageOf(1));
  ExpectEnded(EndReason::kBacklog);
  EXPECT_EQ(session_.summary().unacknowledged_bytes, 0u);
}

TEST_F(PeerSessionTest, PayloadsAreNotCopied) {
  GoUp();
  const Message message = MessageOf(100, 7);
  session_.Send(message);
  const Frame frame = *session_.NextFrame(kFirst);
  EXPECT_EQ(frame.message.type, 7);
  EXPECT_EQ(frame.message.payload.span().data(), message.payload.span().data());
}

// ---- time
// --------------------------------------------------------------------------------------------

TEST_F(PeerSessionTest, SaysThatItLives) {
  GoUp();
  Turn(limits::kPeerSignMs - 1);
  EXPECT_TRUE(TakeSaid<Acknowledgement>().empty());
  Turn(limits::kPeerSignMs);
  EXPECT_EQ(TakeSaid<Acknowledgement>().size(), 1u);
}

TEST_F(PeerSessionTest, ASilentConnectionIsReplacedAndASilentPeerGivenUp) {
  GoUp();
  Turn(limits::kPeerSuspectMs);
  const Effects effects = Take();
  EXPECT_EQ(Only<CloseConnection>(effects).at(0).connection, kFirst);
  EXPECT_EQ(Only<Dial>(effects).size(), 1u);
  Turn(limits::kPeerSilenceMs - 1);
  EXPECT_FALSE(session_.summary().is_ended);
  (void)Take();
  Turn(limits::kPeerSilenceMs);
  ExpectEnded(EndReason::kSilent);
}

TEST_F(PeerSessionTest, PartsOfALongFrameAreSignsOfLife) {
  GoUp();
  for (int64_t now_ms = 0; now_ms < 10000; now_ms += 1000) {
    session_.OnBytes(kFirst);
    Turn(now_ms);
  }
  EXPECT_EQ(session_.summary().connection, kFirst);
}

TEST_F(PeerSessionTest, TheOwnStallIsNotThePeersSilence) {
  GoUp();
  awake_since_ms_ = 7000;
  Turn(7000);
  EXPECT_TRUE(session_.summary().is_up);
  Turn(7000 + limits::kPeerSilenceMs);
  EXPECT_TRUE(session_.summary().is_ended);
}

// ---- the end
// ---------------------------------------------------------------------------------------------

TEST_F(PeerSessionTest, TheEndIsToldToBothSidesOnce) {
  GoUp();
  session_.Send(MessageOf(10));
  (void)Take();
  session_.End(EndReason::kLeft);
  session_.End(EndReason::kSilent);
  const Effects effects = Take();
  ASSERT_EQ(effects.size(), 3u);
  EXPECT_EQ(std::get<SendNotice>(effects[0]).notice, Notice(Farewell{EndReason::kLeft}));
  EXPECT_EQ(std::get<CloseConnection>(effects[1]).connection, kFirst);
  EXPECT_EQ(std::get<SessionEnded>(effects[2]).reason, EndReason::kLeft);
  // Nothing is heard any more.
  session_.OnNotice(kFirst, Farewell{EndReason::kSilent});
  EXPECT_FALSE(session_.OnFrame(kFirst, {1, 0}, 10));
  session_.OnClosed(kFirst);
  session_.Send(MessageOf(10));
  Turn(100000);
  EXPECT_TRUE(Take().empty());
  EXPECT_TRUE(TakeFrames(kFirst).empty());
  EXPECT_EQ(session_.NextTickMs(), std::nullopt);
  session_.OnDialled(1, kSecond);
  EXPECT_EQ(TakeOnly<CloseConnection>().size(), 1u);
}

TEST_F(PreferredSessionTest, TheEndAnswersAHelloThatWaits) {
  Turn(0);
  session_.OnNotice(kSecond, PeerHello(1));
  (void)Take();
  session_.End(EndReason::kLeft);
  EXPECT_EQ(TakeSaid<Refusal>(), (std::vector<Refusal>{{RefusalReason::kSessionEnded, 5}}));
}

TEST_F(PeerSessionTest, AFarewellEndsItWithoutAnother) {
  GoUp();
  session_.OnNotice(kFirst, Farewell{EndReason::kSilent});
  const Effects effects = Take();
  EXPECT_TRUE(Only<SendNotice>(effects).empty());
  EXPECT_EQ(Only<SessionEnded>(effects).at(0).reason, EndReason::kEndedByPeer);
  EXPECT_EQ(Only<SessionEnded>(effects).at(0).detail, "silent");
}

TEST_F(PeerSessionTest, WhoIsDeclaredDeadLearnsSo) {
  GoUp();
  session_.OnNotice(kFirst, Farewell{EndReason::kDeclaredDead});
  const Effects effects = Take();
  EXPECT_EQ(Only<DeclaredDead>(effects).size(), 1u);
  EXPECT_EQ(Only<SessionEnded>(effects).at(0).reason, EndReason::kSelfDead);
}

TEST_F(PeerSessionTest, EachRefusalEndsIt) {
  const std::pair<Refusal, EndReason> expected[] = {
      {{RefusalReason::kAnotherNode}, EndReason::kReplaced},
      {{RefusalReason::kDeclaredDead}, EndReason::kSelfDead},
      {{RefusalReason::kSessionEnded, 5}, EndReason::kEndedByPeer},
      {{RefusalReason::kSessionEnded, 9}, EndReason::kEndedByPeer},
      {{RefusalReason::kSessionEnded, 4}, EndReason::kBreach},
  };
  for (const auto& [refusal, reason] : expected) {
    PeerSession session({NodeOf(2), peer_, 5}, kBytesMax, 0);
    session.OnTurn(0, 0);
    session.OnDialled(1, kFirst);
    session.OnNotice(kFirst, refusal);
    EXPECT_EQ(Only<SessionEnded>(session.TakeEffects()).at(0).reason, reason);
  }
}

// ---- breaches
// ----------------------------------------------------------------------------------------------

TEST_F(PeerSessionTest, AGapIsABreach) {
  GoUp();
  EXPECT_FALSE(session_.OnFrame(kFirst, {2, 0}, 1));
  ExpectEnded(EndReason::kBreach);
}

TEST_F(PeerSessionTest, ARepeatedFrameIsABreach) {
  GoUp();
  EXPECT_TRUE(session_.OnFrame(kFirst, {1, 0}, 1));
  EXPECT_FALSE(session_.OnFrame(kFirst, {1, 0}, 1));
  ExpectEnded(EndReason::kBreach);
}

TEST_F(PeerSessionTest, ToHaveProcessedWhatWasNotSentIsABreach) {
  GoUp();
  session_.Send(MessageOf(1));
  EXPECT_FALSE(session_.OnFrame(kFirst, {1, 1}, 1)) << "it is not taken either";
  ExpectEnded(EndReason::kBreach);
  EXPECT_EQ(session_.summary().processed, 0u);
}

TEST_F(PeerSessionTest, AHelloThatHasForgottenIsABreach) {
  GoUp();
  session_.Send(MessageOf(1));
  EXPECT_EQ(TakeFrames(kFirst).size(), 1u);
  session_.OnNotice(kFirst, Acknowledgement{1});
  session_.OnNotice(kSecond, PeerHello(2, 0, 0));
  ExpectEnded(EndReason::kBreach);
}

TEST_F(PeerSessionTest, AHelloThatHasSeenWhatWasNotDialledIsABreach) {
  session_.OnNotice(kFirst, PeerHello(1, 7));
  const Effects effects = Take();
  EXPECT_EQ(Only<CloseConnection>(effects).at(0).connection, kFirst);
  EXPECT_EQ(Only<SessionEnded>(effects).at(0).reason, EndReason::kBreach);
}

TEST_F(PeerSessionTest, NoticesOutOfTurnAreBreaches) {
  const Notice out_of_turn[] = {PeerHello(2), Welcome{1, 0},
                                Refusal{RefusalReason::kSessionEnded, 5}};
  for (const Notice& notice : out_of_turn) {
    PeerSession session({NodeOf(2), peer_, 5}, kBytesMax, 0);
    session.OnNotice(kFirst, PeerHello(1));
    session.OnNotice(kFirst, notice);
    EXPECT_EQ(Only<SessionEnded>(session.TakeEffects()).at(0).reason, EndReason::kBreach)
        << TextOf(notice);
  }
  for (const Notice& notice : {Notice(Acknowledgement{0}), Notice(Farewell{}),
                               Notice(Welcome{2, 0}), Notice(Welcome{1, 3})}) {
    PeerSession session({NodeOf(2), peer_, 5}, kBytesMax, 0);
    session.OnTurn(0, 0);
    session.OnDialled(1, kFirst);
    session.OnNotice(kFirst, notice);
    EXPECT_EQ(Only<SessionEnded>(session.TakeEffects()).at(0).reason, EndReason::kBreach)
        << TextOf(notice);
  }
}

}  // namespace
}  // namespace rayx::cluster
