#include "transfer/bundle_queue.h"

#include <gtest/gtest.h>

#include "transfer/transfer_ids.h"

namespace rayx::transfer {
namespace {

std::vector<ObjectId> Ids(const std::vector<Wanted>& wanted) {
  std::vector<ObjectId> ids;
  for (const Wanted& one : wanted) ids.push_back(one.id);
  return ids;
}

using List = std::vector<ObjectId>;

TEST(BundleQueue, InOrderOfRank) {
  BundleQueue queue;
  queue.Add(1, {.urgency = 2, .number = 1}, {{Object(1), 10}});
  queue.Add(2, {.urgency = 2, .number = 2}, {{Object(2), 10}});
  queue.Add(3, {.urgency = 0, .number = 3}, {{Object(3), 10}});
  EXPECT_EQ(Ids(queue.Admit(100).lacking), (List{Object(3), Object(1), Object(2)}));
  EXPECT_EQ(queue.Admit(100).of_first, 1u);
}

// Never half of two: the second waits until the first has gone.
TEST(BundleQueue, TwoThatDoNotFitBesideEachOther) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 40}, {Object(2), 20}});
  queue.Add(2, {.number = 2}, {{Object(3), 30}, {Object(4), 30}});
  EXPECT_EQ(Ids(queue.Admit(100).lacking), (List{Object(1), Object(2)}));
  queue.SetIsHere(Object(1), true);
  queue.SetIsHere(Object(2), true);
  // It is whole, but has not begun.
  const auto admitted = queue.Admit(100);
  EXPECT_EQ(Ids(admitted.lacking), (List{Object(3), Object(4)}));
  EXPECT_TRUE(admitted.held_of_first.contains(Object(1)));
  queue.Remove(1);
  EXPECT_FALSE(queue.Admit(100).held.contains(Object(1)));
}

TEST(BundleQueue, TheFirstWhateverItTakes) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 500}});
  queue.Add(2, {.number = 2}, {{Object(2), 1}});
  EXPECT_EQ(Ids(queue.Admit(100).lacking), (List{Object(1)}));
}

// One that fits does not go before one that does not, which would wait for ever.
TEST(BundleQueue, NobodyOvertakes) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 50}});
  queue.Add(2, {.number = 2}, {{Object(2), 90}});
  queue.Add(3, {.number = 3}, {{Object(3), 1}});
  EXPECT_EQ(Ids(queue.Admit(100).lacking), (List{Object(1)}));
}

TEST(BundleQueue, WhatTwoWantCountsOnce) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 60}});
  queue.Add(2, {.number = 2}, {{Object(1), 60}, {Object(2), 40}});
  EXPECT_EQ(Ids(queue.Admit(100).lacking), (List{Object(1), Object(2)}));
  queue.Remove(1);
  EXPECT_TRUE(queue.IsLacking(Object(1)));
  queue.Remove(2);
  EXPECT_FALSE(queue.IsLacking(Object(1)));
  EXPECT_TRUE(queue.empty());
}

// What a later bundle has got already is not held for it, so that it is in nobody's way.
TEST(BundleQueue, WhatIsHereOfALaterOneMayGo) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 80}});
  queue.Add(2, {.number = 2}, {{Object(2), 40, true}, {Object(3), 40}});
  EXPECT_FALSE(queue.Admit(100).held.contains(Object(2)));
  queue.SetIsHere(Object(2), false);
  EXPECT_TRUE(queue.IsLacking(Object(2)));
  EXPECT_EQ(Ids(queue.Admit(200).lacking), (List{Object(1), Object(2), Object(3)}));
}

TEST(BundleQueue, WhatIsLostIsNotPulledUntilSomebodyWantsItAnew) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 10}});
  queue.OnLost(Object(1));
  EXPECT_TRUE(queue.Admit(100).lacking.empty());
  queue.Add(2, {.number = 2}, {{Object(1), 10}});
  EXPECT_EQ(Ids(queue.Admit(100).lacking), (List{Object(1)}));
}

TEST(BundleQueue, ASizeThatChanges) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 10}});
  queue.Resize(Object(1), 70);
  EXPECT_EQ(queue.Admit(100).lacking[0].size_bytes, 70u);
  queue.Resize(Object(9), 70);
}

TEST(BundleQueue, TheSameTwiceInOne) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 10}, {Object(1), 10}});
  EXPECT_EQ(queue.Admit(100).lacking.size(), 1u);
  queue.Remove(1);
  queue.Remove(1);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace rayx::transfer
