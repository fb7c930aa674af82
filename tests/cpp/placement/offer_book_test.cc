#include "placement/offer_book.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/base/limits.h"
#include "placement/examples.h"

namespace rayx::placement {
namespace {

class OfferBookTest : public ::testing::Test {
 protected:
  SessionNumber Join(uint64_t node, const ResourceSet& total, std::vector<NodeId> known = {}) {
    const SessionNumber session(++sessions_);
    EXPECT_TRUE(
        book_->OnRegister(session, {NodeNumber(node), total, std::move(known)}, now_ms_).ok());
    return session;
  }
  void Send(SessionNumber home, Offer offer) {
    EXPECT_TRUE(book_->OnOffer(home, std::move(offer), now_ms_).ok());
  }
  void Withdraw(SessionNumber home, uint64_t task, uint32_t attempt = 0) {
    EXPECT_TRUE(book_->OnWithdraw(home, {TaskNumber(task), attempt}).ok());
  }
  std::vector<Effect> Turn(int64_t passes_ms = 0) {
    now_ms_ += passes_ms;
    book_->Schedule(now_ms_);
    return book_->TakeEffects();
  }
  // Time passes in turns, in which all sessions but `silent` say something.
  std::vector<Effect> Wait(int64_t passes_ms, SessionNumber silent = kAllSessions) {
    std::vector<Effect> all;
    for (const int64_t end_ms = now_ms_ + passes_ms; now_ms_ < end_ms;) {
      for (uint64_t session = 1; session <= sessions_; ++session) {
        if (SessionNumber(session) != silent) book_->OnHeard(SessionNumber(session));
      }
      for (Effect& effect : Turn(std::min<int64_t>(100, end_ms - now_ms_))) {
        all.push_back(std::move(effect));
      }
    }
    return all;
  }
  void Restart(OfferBook::Options options = {}) {
    book_ = std::make_unique<OfferBook>(options, now_ms_);
  }

  int64_t now_ms_ = 1000;
  uint64_t sessions_ = 0;
  std::unique_ptr<OfferBook> book_ = std::make_unique<OfferBook>(OfferBook::Options(), 1000);
};

TEST_F(OfferBookTest, PlacesAnOfferOnceAndUntilItIsWithdrawn) {
  const SessionNumber home = Join(1, Amounts(1));
  Turn();
  Send(home, OfferOf(7, Amounts(1)));
  EXPECT_TRUE(book_->TakeEffects().empty()) << "decisions are made in Schedule";
  const auto effects = Turn();
  ASSERT_EQ(effects.size(), 1u);
  const Place place = std::get<Place>(effects[0]);
  EXPECT_EQ(place.home, home);
  EXPECT_EQ(place.offer.task, TaskNumber(7));
  EXPECT_EQ(place.node, NodeNumber(1));
  Send(home, OfferOf(8, Amounts(1)));
  EXPECT_TRUE(Turn().empty());
  Withdraw(home, 7);
  EXPECT_EQ(Of<Place>(Turn()).size(), 1u);
  EXPECT_EQ(book_->stats().placed, 1u);
}

TEST_F(OfferBookTest, OnANodeThatIsDrainedNothingIsPlaced) {
  const SessionNumber home = Join(1, Amounts(1));
  const SessionNumber drained(77);
  ASSERT_TRUE(
      book_
          ->OnRegister(
              drained,
              {.node = NodeNumber(2), .total = Amounts(8), .known = {}, .is_draining = true},
              now_ms_)
          .ok());
  EXPECT_TRUE(book_->OnLoad(drained, Amounts(1)).ok());
  for (uint64_t task = 1; task <= 3; ++task) Send(home, OfferOf(task, Amounts(1)));
  for (const Place& place : Of<Place>(Turn())) EXPECT_EQ(place.node, NodeNumber(1));
  // It offers, and what is there already counts as placed.
  Send(drained, OfferOf(11, Amounts(1)));
  Offer there = OfferOf(12, Amounts(1));
  there.placed_on = NodeNumber(2);
  Send(home, there);
  EXPECT_EQ(book_->IsWaiting(home, TaskNumber(12)), false);
  EXPECT_EQ(book_->IsWaiting(drained, TaskNumber(11)), true);
  Withdraw(home, 12);
  book_->OnSessionEnded(drained, now_ms_);
  EXPECT_EQ(book_->stats().nodes, 1u);
}

TEST_F(OfferBookTest, ABurstSpreadsAndANodeThatJoinsGetsWorkAtOnce) {
  const SessionNumber home = Join(1, Amounts(2));
  for (uint64_t node = 2; node <= 4; ++node) Join(node, Amounts(2));
  for (uint64_t task = 1; task <= 100; ++task) Send(home, OfferOf(task, Amounts(1)));
  std::map<NodeId, int> placed;
  for (const Place& place : Of<Place>(Turn())) ++placed[place.node];
  ASSERT_EQ(placed.size(), 4u);
  for (const auto& [node, count] : placed) EXPECT_EQ(count, 2);
  Join(5, Amounts(3));
  const auto places = Of<Place>(Turn());
  ASSERT_EQ(places.size(), 3u);
  for (const Place& place : places) EXPECT_EQ(place.node, NodeNumber(5));
}

TEST_F(OfferBookTest, MoreWaitsAtANodeWhereTasksEndQuickly) {
  const SessionNumber home = Join(1, Amounts(2));
  for (uint64_t task = 1; task <= 1000; ++task) Send(home, OfferOf(task, Amounts(1)));
  size_t ended = 0;
  std::vector<Place> there = Of<Place>(Turn());
  for (int turn = 0; turn < 6; ++turn) {
    for (const Place& place : there) {
      EXPECT_TRUE(book_->OnWithdraw(home, place.offer).ok());
      ++ended;
    }
    there = Of<Place>(Turn(1));
    EXPECT_EQ(there.size(), 2 + ended);
  }
}

TEST_F(OfferBookTest, OfferedAgainItIsPlacedAgainAtItsOldPlace) {
  const SessionNumber home = Join(1, Amounts(1));
  Send(home, OfferOf(1, Amounts(1)));
  Send(home, OfferOf(2, Amounts(1)));
  Turn();
  EXPECT_EQ(book_->IsWaiting(home, TaskNumber(1)), false);
  Offer again = OfferOf(1, Amounts(1));
  again.attempt = 16;
  Send(home, again);
  EXPECT_EQ(book_->IsWaiting(home, TaskNumber(1)), true);
  const auto places = Of<Place>(Turn());
  ASSERT_EQ(places.size(), 1u);
  EXPECT_EQ(places[0].offer, (OfferName{TaskNumber(1), 16}));
  // What is said late of an earlier attempt has no effect.
  Withdraw(home, 1, 0);
  Send(home, OfferOf(1, Amounts(1)));
  EXPECT_EQ(book_->IsWaiting(home, TaskNumber(1)), false);
  EXPECT_TRUE(Turn().empty());
}

TEST_F(OfferBookTest, ALargeTaskIsNotPassedForEver) {
  const SessionNumber home = Join(1, Amounts(4));
  for (uint64_t task = 1; task <= 4; ++task) Send(home, OfferOf(task, Amounts(1)));
  Turn();
  Send(home, OfferOf(1000, Amounts(4)));
  uint64_t next = 5;
  std::vector<uint64_t> running = {1, 2, 3, 4};
  uint64_t passed = 0;
  for (; passed < 1000 && book_->IsWaiting(home, TaskNumber(1000)).value(); ++passed) {
    Send(home, OfferOf(next, Amounts(1)));
    Withdraw(home, running.front());
    running.erase(running.begin());
    running.push_back(next++);
    Wait(100);
  }
  EXPECT_EQ(passed, limits::kPlacedPastMax);
  // It waits at the node; until it has ended, no second one does.
  Send(home, OfferOf(1001, Amounts(4)));
  for (uint64_t i = 0; i < 2 * limits::kPlacedPastMax; ++i) {
    Send(home, OfferOf(next, Amounts(1)));
    Withdraw(home, running.front());
    running.erase(running.begin());
    running.push_back(next++);
    Wait(100);
  }
  EXPECT_EQ(book_->IsWaiting(home, TaskNumber(1001)), true);
}

// ---- what no node could run ---------------------------------------------------------------------

TEST_F(OfferBookTest, WhatNoNodeCouldRunIsToldOnceAndPlacedWhenOneJoins) {
  const SessionNumber home = Join(1, Amounts(4));
  Turn();
  for (uint64_t task = 1; task <= 3; ++task) Send(home, OfferOf(task, Amounts(1, 1)));
  EXPECT_TRUE(Turn().empty()) << "others may still be on their way";
  const auto pending = Of<Pending>(Wait(limits::kSchedulerSettleMs));
  ASSERT_EQ(pending.size(), 1u);
  EXPECT_EQ(pending[0].home, home);
  EXPECT_EQ(pending[0].offers.size(), 3u);
  EXPECT_EQ(pending[0].reason,
            "it asks for {CPU: 1, GPU: 1}, and no node of the cluster has any 'GPU'");
  EXPECT_TRUE(Wait(2000).empty());
  Send(home, OfferOf(4, Amounts(1, 1)));
  const auto more = Of<Pending>(Turn());
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more[0].offers, (std::vector<OfferName>{{TaskNumber(4), 0}}));
  Join(2, Amounts(4, 4));
  EXPECT_EQ(Of<Place>(Turn()).size(), 4u);
}

TEST_F(OfferBookTest, InACompleteClusterItFails) {
  Restart({.complete = true});
  const SessionNumber home = Join(1, Amounts(4));
  Send(home, OfferOf(1, Amounts(8)));
  Send(home, OfferOf(2, Amounts(1)));
  EXPECT_EQ(Of<Place>(Turn()).size(), 1u);
  const auto infeasible = Of<Infeasible>(Wait(limits::kSchedulerSettleMs));
  ASSERT_EQ(infeasible.size(), 1u);
  EXPECT_EQ(infeasible[0].offers, (std::vector<OfferName>{{TaskNumber(1), 0}}));
  EXPECT_EQ(infeasible[0].reason,
            "it asks for {CPU: 8}, and the most that a node of the cluster has of 'CPU' is 4");
  EXPECT_EQ(book_->IsWaiting(home, TaskNumber(1)), std::nullopt);
}

TEST_F(OfferBookTest, NothingFailsWhileANodeIsExpectedBack) {
  Restart({.complete = true});
  // A scheduler that has just started is told of the node that has not come back yet.
  const SessionNumber home = Join(1, Amounts(4), {NodeNumber(2)});
  Send(home, OfferOf(1, Amounts(8)));
  EXPECT_TRUE(Of<Infeasible>(Wait(limits::kMemberReturnMs - 100)).empty());
  Join(2, Amounts(8));
  EXPECT_EQ(Of<Place>(Wait(200)).size(), 1u);
}

// ---- nodes that come and go ---------------------------------------------------------------------

TEST_F(OfferBookTest, TellsWhoJoinsAndWhoIsDead) {
  const SessionNumber a = Join(1, Amounts(1));
  Turn();
  const SessionNumber b = Join(2, Amounts(1));
  const auto joined = Of<NodeJoined>(Turn());
  ASSERT_EQ(joined.size(), 2u);
  EXPECT_EQ(joined[0].to, b);
  EXPECT_EQ(joined[0].node, NodeNumber(1));
  EXPECT_EQ(joined[1].to, kAllSessions);
  EXPECT_EQ(joined[1].node, NodeNumber(2));
  book_->OnSessionEnded(b, now_ms_);
  EXPECT_TRUE(Wait(limits::kMemberReturnMs - 100).empty()) << "it may come back";
  const auto dead = Of<NodeDead>(Wait(100));
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].node, NodeNumber(2));
  EXPECT_EQ(book_->stats().nodes, 1u);
  (void)a;
}

// The head finds out within a second, or is told by a node that leaves.
TEST_F(OfferBookTest, WhomTheHeadDeclaresDeadNobodyWaitsFor) {
  const SessionNumber head = Join(1, Amounts(1));
  const SessionNumber missing = Join(2, Amounts(1, 1));
  const SessionNumber present = Join(3, Amounts(1, 1));
  Wait(limits::kSchedulerSettleMs);
  Send(head, OfferOf(1, Amounts(1, 1)));
  Send(head, OfferOf(2, Amounts(1, 1)));
  Send(head, OfferOf(3, Amounts(1, 1)));
  Turn();
  book_->OnSessionEnded(missing, now_ms_);
  EXPECT_TRUE(Of<Pending>(Turn(100)).empty());
  EXPECT_TRUE(book_->OnDead(head, {NodeNumber(2), NodeNumber(3), NodeNumber(9)}, now_ms_).ok());
  const auto effects = Turn();
  EXPECT_EQ(Of<NodeDead>(effects).size(), 2u);
  ASSERT_EQ(Of<CloseSession>(effects).size(), 1u);
  EXPECT_EQ(Of<CloseSession>(effects)[0].session, present);
  EXPECT_EQ(book_->stats().nodes, 1u);
  Send(head, OfferOf(4, Amounts(1, 1)));
  EXPECT_EQ(Of<Pending>(Turn()).size(), 1u) << "and not when it has not come back for so long";
  EXPECT_FALSE(book_->OnDead(head, {NodeNumber(1)}, now_ms_).ok());
  EXPECT_FALSE(book_->OnDead(missing, {NodeNumber(1)}, now_ms_).ok());
}

TEST_F(OfferBookTest, ANodeThatComesBackHasWhatWasPlacedThere) {
  const SessionNumber home = Join(1, Amounts(1));
  const SessionNumber guest = Join(2, Amounts(1));
  Send(home, OfferOf(1, Amounts(1)));
  Send(home, OfferOf(2, Amounts(1)));
  EXPECT_EQ(Of<Place>(Turn()).size(), 2u);
  book_->OnSessionEnded(guest, now_ms_);
  Send(home, OfferOf(3, Amounts(1)));
  EXPECT_TRUE(Wait(1000).empty());
  Join(2, Amounts(1));
  EXPECT_TRUE(Of<Place>(Turn()).empty());
  Withdraw(home, 1);
  Withdraw(home, 2);
  const auto places = Of<Place>(Turn());
  ASSERT_EQ(places.size(), 1u);
}

TEST_F(OfferBookTest, WhatWasPlacedOnADeadNodeIsItsHomesBusiness) {
  const SessionNumber home = Join(1, Amounts(1));
  const SessionNumber guest = Join(2, Amounts(4));
  Send(home, OfferOf(1, Amounts(4)));
  EXPECT_EQ(Of<Place>(Turn()).size(), 1u);
  book_->OnSessionEnded(guest, now_ms_);
  EXPECT_TRUE(Of<Place>(Wait(limits::kMemberReturnMs + 100)).empty());
  EXPECT_EQ(book_->IsWaiting(home, TaskNumber(1)), std::nullopt);
  Withdraw(home, 1);
  Offer again = OfferOf(1, Amounts(4));
  again.attempt = 16;
  Send(home, again);
  Join(3, Amounts(4));
  EXPECT_EQ(Of<Place>(Turn()).size(), 1u);
}

TEST_F(OfferBookTest, OffersOfAHomeEndWithItsSession) {
  const SessionNumber home = Join(1, Amounts(1));
  const SessionNumber other = Join(2, Amounts(1));
  for (uint64_t task = 1; task <= 10; ++task) Send(home, OfferOf(task, Amounts(1)));
  EXPECT_EQ(Of<Place>(Turn()).size(), 2u);
  book_->OnSessionEnded(home, now_ms_);
  EXPECT_EQ(book_->stats().waiting + book_->stats().placed, 0u);
  Send(other, OfferOf(50, Amounts(1)));
  EXPECT_EQ(Of<Place>(Turn()).size(), 1u) << "there is room again";
}

TEST_F(OfferBookTest, ASchedulerThatWasStartedAgainIsToldWhatIsPlacedWhere) {
  const SessionNumber home = Join(1, Amounts(1));
  Offer placed = OfferOf(1, Amounts(2));
  placed.placed_on = NodeNumber(2);  // which has not registered yet
  Send(home, placed);
  Send(home, OfferOf(2, Amounts(2)));
  EXPECT_TRUE(Of<Place>(Turn()).empty());
  Join(2, Amounts(2));
  EXPECT_TRUE(Of<Place>(Turn()).empty()) << "the node is full";
  Withdraw(home, 1);
  EXPECT_EQ(Of<Place>(Turn()).size(), 1u);
}

TEST_F(OfferBookTest, ASilentNodeIsClosedButNotForAStallOfTheSchedulerItself) {
  const SessionNumber a = Join(1, Amounts(1));
  const SessionNumber b = Join(2, Amounts(1));
  Turn();
  EXPECT_TRUE(Turn(60'000).empty()) << "nobody was heard, since nothing was";
  const auto closed = Of<CloseSession>(Wait(limits::kPeerSilenceMs + 600, b));
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].session, b);
  EXPECT_EQ(book_->stats().nodes, 1u);
  (void)a;
}

TEST_F(OfferBookTest, ASecondSessionOfANodeReplacesTheFirst) {
  const SessionNumber first = Join(1, Amounts(1));
  Send(first, OfferOf(1, Amounts(1)));
  Turn();
  const SessionNumber second = Join(1, Amounts(1));
  const auto closed = Of<CloseSession>(Turn());
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].session, first);
  EXPECT_FALSE(book_->OnOffer(first, OfferOf(2, Amounts(1)), now_ms_).ok());
  Send(second, OfferOf(1, Amounts(1)));
  EXPECT_EQ(Of<Place>(Turn()).size(), 1u);
}

TEST_F(OfferBookTest, RefusesWhatHasNoMeaning) {
  const SessionNumber stranger(99);
  EXPECT_FALSE(book_->OnOffer(stranger, OfferOf(1, Amounts(1)), now_ms_).ok());
  EXPECT_FALSE(book_->OnWithdraw(stranger, {}).ok());
  EXPECT_FALSE(book_->OnLoad(stranger, {}).ok());
  ResourceSet negative;
  negative.Subtract(Amounts(1));
  EXPECT_FALSE(book_->OnRegister(stranger, {NodeNumber(1), negative, {}}, now_ms_).ok());
  const SessionNumber home = Join(1, Amounts(1));
  EXPECT_FALSE(book_->OnRegister(home, {NodeNumber(1), Amounts(1), {}}, now_ms_).ok());
  EXPECT_FALSE(book_->OnOffer(home, OfferOf(1, negative), now_ms_).ok());
}

TEST_F(OfferBookTest, GoesWhereLargeInputsAreAndIgnoresSmallOnes) {
  const SessionNumber home = Join(1, Amounts(1));
  Join(2, Amounts(1));
  Join(3, Amounts(1));
  Offer large = OfferOf(1, Amounts(1));
  large.inputs = {{10'000'000, {NodeNumber(3), NodeNumber(9)}}, {100, {NodeNumber(2)}}};
  Send(home, large);
  EXPECT_EQ(Of<Place>(Turn()).at(0).node, NodeNumber(3));
  Offer small = OfferOf(2, Amounts(1));
  small.inputs = {{100, {NodeNumber(2)}}};
  Send(home, small);
  EXPECT_EQ(Of<Place>(Turn()).at(0).node, NodeNumber(1));
}

}  // namespace
}  // namespace rayx::placement
