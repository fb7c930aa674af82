#include "cluster/session_book.h"

#include <gtest/gtest.h>

#include "cluster/example_nodes.h"
#include "common/base/limits.h"

namespace rayx::cluster {
namespace {

constexpr ConnectionId kFirst(1);
constexpr ConnectionId kSecond(2);

// The sessions of node 2.
class SessionBookTest : public ::testing::Test {
 protected:
  SessionBookTest() { book_.OnTurn(0); }

  static Hello HelloOf(uint8_t node, uint64_t session, uint64_t attempt = 1) {
    return {NodeOf(node), NodeOf(2), session, attempt, 0, 0};
  }
  // What is said on the connection, which is closed behind it.
  Refusal TakeRefusal(ConnectionId connection) {
    const Effects effects = book_.TakeEffects();
    EXPECT_EQ(effects.size(), 2u);
    EXPECT_EQ(std::get<CloseConnection>(effects.at(1)).connection, connection);
    return std::get<Refusal>(std::get<SendNotice>(effects.at(0)).notice);
  }
  uint64_t NumberOf(uint8_t node) {
    const PeerSession* session = book_.Find(NodeOf(node));
    return session == nullptr ? 0 : session->summary().session;
  }

  SessionBook book_{{.self = NodeOf(2)}};
};

TEST_F(SessionBookTest, OpensOneSessionWithAPeer) {
  EXPECT_TRUE(book_.Open(NodeOf(1)));
  EXPECT_TRUE(book_.Open(NodeOf(1)));
  EXPECT_EQ(NumberOf(1), 1u);
  book_.OnTurn(0);
  EXPECT_EQ(Only<Dial>(book_.TakeEffects()).size(), 1u);
}

TEST_F(SessionBookTest, AHelloBeginsOne) {
  book_.OnNotice(kFirst, HelloOf(1, 3));
  const Effects effects = book_.TakeEffects();
  EXPECT_EQ(Only<SessionBegun>(effects).at(0).session, 3u);
  EXPECT_EQ(Only<SendNotice>(effects).at(0).notice, Notice(Welcome{1, 0}));
  EXPECT_TRUE(book_.OnFrame(kFirst, {1, 0}, 10));
}

TEST_F(SessionBookTest, TheNextSessionHasAHigherNumber) {
  book_.OnNotice(kFirst, HelloOf(1, 3));
  book_.End(NodeOf(1), EndReason::kLeft);
  EXPECT_EQ(book_.Find(NodeOf(1)), nullptr);
  EXPECT_FALSE(book_.Send(NodeOf(1), MessageOf(1)));
  EXPECT_FALSE(book_.OnFrame(kFirst, {1, 0}, 10));
  (void)book_.TakeEffects();
  book_.OnNotice(kSecond, HelloOf(1, 3, 2));
  EXPECT_EQ(TakeRefusal(kSecond), (Refusal{RefusalReason::kSessionEnded, 3}));
  EXPECT_TRUE(book_.Open(NodeOf(1)));
  EXPECT_EQ(NumberOf(1), 4u);
}

TEST_F(SessionBookTest, WhoHasEndedALaterOneTellsTheNumber) {
  EXPECT_TRUE(book_.Open(NodeOf(1)));
  book_.OnTurn(0);
  book_.OnDialEnded({.peer = NodeOf(1), .attempt = 1, .connection = kFirst});
  book_.OnNotice(kFirst, Refusal{RefusalReason::kSessionEnded, 8});
  EXPECT_EQ(Only<SessionEnded>(book_.TakeEffects()).at(0).reason, EndReason::kEndedByPeer);
  EXPECT_TRUE(book_.Open(NodeOf(1)));
  EXPECT_EQ(NumberOf(1), 9u);
}

TEST_F(SessionBookTest, ALaterSessionEndsTheFormer) {
  book_.OnNotice(kFirst, HelloOf(1, 3));
  (void)book_.TakeEffects();
  book_.OnNotice(kSecond, HelloOf(1, 4));
  const Effects effects = book_.TakeEffects();
  const auto ended = Only<SessionEnded>(effects);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].session, 3u);
  EXPECT_EQ(Only<SessionBegun>(effects).at(0).session, 4u);
  EXPECT_EQ(Only<CloseConnection>(effects).at(0).connection, kFirst);
  // One that is late.
  book_.OnNotice(kFirst, HelloOf(1, 3, 9));
  EXPECT_EQ(TakeRefusal(kFirst), (Refusal{RefusalReason::kSessionEnded, 3}));
  EXPECT_EQ(NumberOf(1), 4u);
}

TEST_F(SessionBookTest, AHelloForAnotherNodeIsRefused) {
  Hello hello = HelloOf(1, 1);
  hello.target = NodeOf(9);
  book_.OnNotice(kFirst, hello);
  EXPECT_EQ(TakeRefusal(kFirst).reason, RefusalReason::kAnotherNode);
  book_.OnNotice(kFirst, HelloOf(2, 1));
  EXPECT_EQ(TakeRefusal(kFirst).reason, RefusalReason::kAnotherNode) << "from itself";
}

TEST_F(SessionBookTest, SessionsWithoutASensibleNumberAreRefused) {
  book_.OnNotice(kFirst, HelloOf(1, 0));
  EXPECT_EQ(TakeRefusal(kFirst).reason, RefusalReason::kSessionEnded);
  book_.OnNotice(kFirst, HelloOf(1, ~uint64_t{0}));
  EXPECT_EQ(TakeRefusal(kFirst).reason, RefusalReason::kSessionEnded);
  EXPECT_EQ(NumberOf(1), 0u);
}

TEST_F(SessionBookTest, ADeadNodeIsNeverHeardAgain) {
  book_.OnNotice(kFirst, HelloOf(1, 1));
  (void)book_.TakeEffects();
  book_.OnDead(NodeOf(1));
  book_.OnDead(NodeOf(1));
  const Effects effects = book_.TakeEffects();
  EXPECT_EQ(Only<SendNotice>(effects).at(0).notice, Notice(Farewell{EndReason::kDeclaredDead}));
  EXPECT_EQ(Only<SessionEnded>(effects).size(), 1u);
  book_.OnNotice(kSecond, HelloOf(1, 2));
  EXPECT_EQ(TakeRefusal(kSecond).reason, RefusalReason::kDeclaredDead);
  EXPECT_FALSE(book_.Open(NodeOf(1)));
  EXPECT_TRUE(book_.IsDead(NodeOf(1)));
}

TEST_F(SessionBookTest, WhoSpeaksWithoutAHelloIsClosed) {
  book_.OnNotice(kFirst, Welcome{1, 0});
  EXPECT_EQ(Only<CloseConnection>(book_.TakeEffects()).at(0).connection, kFirst);
  EXPECT_FALSE(book_.OnFrame(kFirst, {1, 0}, 1));
  EXPECT_EQ(Only<CloseConnection>(book_.TakeEffects()).at(0).connection, kFirst);
  book_.OnBytes(kFirst);
  book_.OnClosed(kFirst);
  book_.OnDialEnded({.peer = NodeOf(1), .attempt = 1, .connection = kSecond});
  EXPECT_EQ(Only<CloseConnection>(book_.TakeEffects()).at(0).connection, kSecond);
  EXPECT_FALSE(book_.NextFrame(kFirst).has_value());
}

TEST_F(SessionBookTest, ANumberThatAConnectionHadIsOfNoSessionAnyMore) {
  book_.OnNotice(kFirst, HelloOf(1, 1));
  book_.OnClosed(kFirst);
  EXPECT_FALSE(book_.OnFrame(kFirst, {1, 0}, 1));
  book_.OnTurn(limits::kPeerRedialMs);
  EXPECT_EQ(Only<Dial>(book_.TakeEffects()).size(), 1u);
}

TEST_F(SessionBookTest, TurnsInTimeAndOnlyIfThereIsASession) {
  EXPECT_EQ(book_.NextTickMs(), std::nullopt);
  EXPECT_TRUE(book_.Open(NodeOf(1)));
  EXPECT_EQ(book_.NextTickMs(), 0);
  book_.OnTurn(0);
  ASSERT_TRUE(book_.NextTickMs().has_value());
  EXPECT_LE(*book_.NextTickMs(), limits::kPeerSignMs);
  book_.End(NodeOf(1), EndReason::kLeft);
  book_.OnTurn(limits::kPeerSilenceMs);
  EXPECT_EQ(book_.NextTickMs(), std::nullopt);
}

// While a peer is dialled nothing else happens, and this is not taken for a stall of the own loop.
TEST_F(SessionBookTest, APeerThatCannotBeReachedIsSilentInTime) {
  EXPECT_TRUE(book_.Open(NodeOf(1)));
  int64_t now_ms = 0;
  while (book_.Find(NodeOf(1)) != nullptr && now_ms < 2 * limits::kPeerSilenceMs) {
    book_.OnTurn(now_ms);
    now_ms = std::max(book_.NextTickMs().value_or(now_ms + 1), now_ms + 1);
  }
  EXPECT_EQ(Only<SessionEnded>(book_.TakeEffects()).at(0).reason, EndReason::kSilent);
  EXPECT_LE(now_ms, limits::kPeerSilenceMs + limits::kPeerSignMs);
}

TEST_F(SessionBookTest, AMachineThatWasStoppedAccusesNobody) {
  book_.OnNotice(kFirst, HelloOf(1, 1));
  for (int64_t now_ms = 0; now_ms <= 1000; now_ms += 100) book_.OnTurn(now_ms);
  book_.OnTurn(9000);
  EXPECT_NE(book_.Find(NodeOf(1)), nullptr);
  EXPECT_TRUE(Only<CloseConnection>(book_.TakeEffects()).empty());
}

}  // namespace
}  // namespace rayx::cluster
