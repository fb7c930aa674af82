#include "plasma/get_waiters.h"

#include <gtest/gtest.h>

namespace rayx::plasma {
namespace {

TEST(GetWaitersTest, KeepsTheOrderOfAsking) {
  GetWaiters waiters;
  for (const ClientId client : {7u, 3u, 5u}) waiters.Add(client, client == 3u);
  const std::vector<GetWaiters::Waiter> taken = waiters.Take();
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(taken[0].client, 7u);
  EXPECT_EQ(taken[1].client, 3u);
  EXPECT_TRUE(taken[1].pin);
  EXPECT_EQ(taken[2].client, 5u);
  EXPECT_FALSE(taken[2].pin);
  EXPECT_TRUE(waiters.empty());
}

TEST(GetWaitersTest, AskingTwiceKeepsThePlaceAndTheWishToPin) {
  GetWaiters waiters;
  waiters.Add(1, false);
  waiters.Add(2, false);
  waiters.Add(1, true);
  waiters.Add(1, false);
  const std::vector<GetWaiters::Waiter> taken = waiters.Take();
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].client, 1u);
  EXPECT_TRUE(taken[0].pin);
}

TEST(GetWaitersTest, WhoGoesIsForgotten) {
  GetWaiters waiters;
  waiters.Add(1, false);
  waiters.Add(2, false);
  EXPECT_TRUE(waiters.Remove(1));
  EXPECT_FALSE(waiters.Remove(1));
  EXPECT_FALSE(waiters.Contains(1));
  EXPECT_TRUE(waiters.Contains(2));
  ASSERT_EQ(waiters.waiters().size(), 1u);
}

TEST(GetWaitersTest, WhoIsToldWaitsNoLongerUnlessItHasAsked) {
  GetWaiters waiters;
  waiters.AddUnlessTold(1);
  waiters.AddUnlessTold(2);
  waiters.Add(2, true);
  waiters.AddUnlessTold(2);
  waiters.Add(3, false);
  for (const ClientId client : {1u, 2u, 3u, 4u}) waiters.OnTold(client);
  ASSERT_EQ(waiters.waiters().size(), 2u);
  EXPECT_TRUE(waiters.waiters()[0].pin);
  EXPECT_TRUE(waiters.Contains(3));
}

}  // namespace
}  // namespace rayx::plasma
