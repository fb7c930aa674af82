#include "placement/waiting_offers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

#include "placement/examples.h"

namespace rayx::placement {
namespace {

class WaitingOffersTest : public ::testing::Test {
 protected:
  OpenOffer* Add(uint64_t home, double cpus, int32_t priority = 0) {
    OpenOffer& offer = offers_.emplace_back();
    offer.arrival = offers_.size();
    offer.name.task = TaskNumber(offer.arrival);
    offer.home = SessionNumber(home);
    offer.demand = demands_.Use(Amounts(cpus));
    offer.priority = priority;
    waiting_.Add(&offer);
    return &offer;
  }
  // Takes the next one out.
  uint64_t Take() {
    OpenOffer* const next = waiting_.Next();
    if (next == nullptr) return 0;
    waiting_.Remove(next);
    return next->arrival;
  }

  ResourceNames names_;
  DemandTable demands_{&names_};
  std::deque<OpenOffer> offers_;
  WaitingOffers waiting_;
};

TEST_F(WaitingOffersTest, InOrderOfArrival) {
  Add(1, 1);
  Add(2, 1);
  Add(1, 2);
  EXPECT_EQ(waiting_.size(), 3u);
  EXPECT_EQ(Take(), 1u);
  EXPECT_EQ(Take(), 2u);
  EXPECT_EQ(Take(), 3u);
  EXPECT_EQ(Take(), 0u);
}

TEST_F(WaitingOffersTest, APriorityCountsAmongThoseOfItsHome) {
  Add(1, 1);
  Add(2, 1);
  Add(1, 2, 5);
  Add(1, 1, 7);
  EXPECT_EQ(Take(), 2u) << "homes merge by the arrival of the next of each";
  EXPECT_EQ(Take(), 4u) << "it is the turn of home 1, and this is its most urgent";
  EXPECT_EQ(Take(), 3u);
  EXPECT_EQ(Take(), 1u);
}

TEST_F(WaitingOffersTest, WhatIsBlockedIsPassedOverUntilItIsNot) {
  OpenOffer* const large = Add(1, 4, 9);
  Add(1, 1);
  waiting_.Block(large->demand, 0);
  EXPECT_EQ(waiting_.blocked().size(), 1u);
  EXPECT_EQ(Take(), 2u);
  EXPECT_EQ(Take(), 0u);
  Add(2, 4);
  EXPECT_EQ(Take(), 0u);
  EXPECT_EQ(waiting_.FirstOf(*large->demand), large);
  waiting_.Unblock(large->demand);
  EXPECT_EQ(Take(), 1u);
  EXPECT_EQ(Take(), 3u);
}

TEST_F(WaitingOffersTest, WhatComesBackHasItsOldPlace) {
  OpenOffer* const first = Add(1, 1);
  OpenOffer* const second = Add(1, 1);
  Add(1, 1);
  waiting_.Remove(first);
  waiting_.Remove(second);
  waiting_.Add(second);
  waiting_.Add(first);
  EXPECT_EQ(Take(), 1u);
  EXPECT_EQ(Take(), 2u);
  EXPECT_EQ(Take(), 3u);
}

TEST_F(WaitingOffersTest, NothingIsLeftOfADemandWithoutOffers) {
  OpenOffer* const only = Add(1, 1);
  waiting_.Block(only->demand, 0);
  waiting_.Remove(only);
  EXPECT_TRUE(waiting_.blocked().empty());
  Add(1, 1);
  EXPECT_EQ(Take(), 2u);
}

TEST_F(WaitingOffersTest, TellsOfEachOnce) {
  std::vector<OpenOffer*> all = {Add(1, 1), Add(2, 1), Add(1, 1)};
  waiting_.Block(all[0]->demand, 0);
  const auto told = [this, &all] {
    std::vector<uint64_t> arrivals;
    for (const auto& of_home : waiting_.UntoldOf(*all[0]->demand)) {
      for (OpenOffer* const offer : of_home) {
        EXPECT_EQ(offer->home, of_home.front()->home);
        offer->told = true;
        arrivals.push_back(offer->arrival);
      }
    }
    return arrivals;
  };
  EXPECT_EQ(told(), (std::vector<uint64_t>{1, 3, 2}));
  EXPECT_EQ(told(), std::vector<uint64_t>());
  Add(1, 1);
  EXPECT_EQ(told(), std::vector<uint64_t>{4});
  // One that comes back in the middle, and was not told.
  waiting_.Remove(all[0]);
  all[0]->told = false;
  waiting_.Add(all[0]);
  EXPECT_EQ(told(), std::vector<uint64_t>{1});
}

// Beside a list that is looked through from the front.
TEST_F(WaitingOffersTest, TheOrderIsThatOfAList) {
  std::mt19937_64 random(3);
  std::vector<OpenOffer*> list;
  std::vector<OpenOffer*> away;
  const auto expected = [&]() -> OpenOffer* {
    const auto is_ready = [this](const OpenOffer* offer) {
      return !waiting_.blocked().contains(offer->demand->number);
    };
    // By the first of each home and demand, with its highest priority.
    const auto goes_first = [](const OpenOffer* a, const OpenOffer* b) {
      return a->priority != b->priority ? a->priority > b->priority : a->arrival < b->arrival;
    };
    OpenOffer* turn = nullptr;
    for (OpenOffer* const offer : list) {
      if (!is_ready(offer)) continue;
      const bool is_first = std::none_of(list.begin(), list.end(), [&](const OpenOffer* other) {
        return other->home == offer->home && other->demand == offer->demand &&
               goes_first(other, offer);
      });
      if (is_first && (turn == nullptr || offer->arrival < turn->arrival)) turn = offer;
    }
    if (turn == nullptr) return nullptr;
    OpenOffer* best = turn;
    for (OpenOffer* const offer : list) {
      if (is_ready(offer) && offer->home == turn->home && goes_first(offer, best)) best = offer;
    }
    return best;
  };
  for (int step = 0; step < 4000; ++step) {
    const uint64_t dice = random() % 10;
    if (dice < 4 || list.empty()) {
      list.push_back(Add(1 + random() % 3, 1 + static_cast<double>(random() % 3),
                         static_cast<int32_t>(random() % 3)));
    } else if (dice < 6) {
      std::swap(list[random() % list.size()], list.back());
      waiting_.Remove(list.back());
      away.push_back(list.back());
      list.pop_back();
    } else if (dice < 7 && !away.empty()) {
      waiting_.Add(away.back());
      list.push_back(away.back());
      away.pop_back();
    } else if (dice < 8) {
      Demand* const demand = list[random() % list.size()]->demand;
      waiting_.blocked().contains(demand->number) ? waiting_.Unblock(demand)
                                                  : waiting_.Block(demand, 0);
    }
    ASSERT_EQ(waiting_.size(), list.size());
    ASSERT_EQ(waiting_.Next(), expected());
  }
}

}  // namespace
}  // namespace rayx::placement
