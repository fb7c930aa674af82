#include "plasma/get_waiters.h"

#include <gtest/gtest.h>

namespace rayx::plasma {
namespace {

TEST(GetWaitersTest, KeepsTheOrderOfAsking) {
  GetWaiters waiters;
  for (const ClientId client : {ClientId(7), ClientId(3), ClientId(5)})
    waiters.Add(client, client == ClientId(3));
  const std::vector<GetWaiters::Waiter> taken = waiters.Take();
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(taken[0].client, ClientId(7));
  EXPECT_EQ(taken[1].client, ClientId(3));
  EXPECT_TRUE(taken[1].pin);
  EXPECT_EQ(taken[2].client, ClientId(5));
  EXPECT_FALSE(taken[2].pin);
  EXPECT_TRUE(waiters.empty());
}

TEST(GetWaitersTest, AskingTwiceKeepsThePlaceAndTheWishToPin) {
  GetWaiters waiters;
  waiters.Add(ClientId(1), false);
  waiters.Add(ClientId(2), false);
  waiters.Add(ClientId(1), true);
  waiters.Add(ClientId(1), false);
  const std::vector<GetWaiters::Waiter> taken = waiters.Take();
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].client, ClientId(1));
  EXPECT_TRUE(taken[0].pin);
}

TEST(GetWaitersTest, WhoGoesIsForgotten) {
  GetWaiters waiters;
  waiters.Add(ClientId(1), false);
  waiters.Add(ClientId(2), false);
  EXPECT_TRUE(waiters.Remove(ClientId(1)));
  EXPECT_FALSE(waiters.Remove(ClientId(1)));
  EXPECT_FALSE(waiters.Contains(ClientId(1)));
  EXPECT_TRUE(waiters.Contains(ClientId(2)));
  ASSERT_EQ(waiters.waiters().size(), 1u);
}

TEST(GetWaitersTest, WhoIsServedElsewhereWaitsNoLongerUnlessItHasAsked) {
  GetWaiters waiters;
  waiters.Defer(ClientId(1));
  waiters.Defer(ClientId(2));
  waiters.Add(ClientId(2), true);
  waiters.Defer(ClientId(2));
  waiters.Add(ClientId(3), false);
  for (const ClientId client : {ClientId(1), ClientId(2), ClientId(3), ClientId(4)})
    waiters.Settle(client, Settlement::kDelivered);
  ASSERT_EQ(waiters.waiters().size(), 2u);
  EXPECT_TRUE(waiters.waiters()[0].pin);
  EXPECT_TRUE(waiters.Contains(ClientId(3)));
}

TEST(GetWaitersTest, WhatIsLostElsewhereIsWaitedForHere) {
  GetWaiters waiters;
  waiters.Defer(ClientId(1));
  waiters.Settle(ClientId(1), Settlement::kLost);
  waiters.Settle(ClientId(1), Settlement::kDelivered);
  EXPECT_TRUE(waiters.Contains(ClientId(1))) << "it is no longer deferred";
  waiters.Settle(ClientId(2), Settlement::kLost);
  EXPECT_FALSE(waiters.Contains(ClientId(2))) << "it was not";
}

}  // namespace
}  // namespace rayx::plasma
