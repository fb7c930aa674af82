#include "transfer/bundle_queue.h"

#include <gtest/gtest.h>

#include "transfer/transfer_ids.h"

namespace rayx::transfer {
namespace {

using List = std::vector<ObjectId>;

// What would be pulled now, in order, if there is room for it.
List DueOf(BundleQueue queue, uint64_t bytes) {
  List due;
  queue.Admit(bytes);
  while (const auto next = queue.NextDue()) {
    due.push_back(next->id);
    queue.OnComing(next->id);
  }
  return due;
}

TEST(BundleQueue, InOrderOfRank) {
  BundleQueue queue;
  queue.Add(1, {.urgency = 2, .number = 1}, {{Object(1), 10}});
  queue.Add(2, {.urgency = 2, .number = 2}, {{Object(2), 10}});
  queue.Add(3, {.urgency = 0, .number = 3}, {{Object(3), 10}});
  EXPECT_EQ(DueOf(queue, 100), (List{Object(3), Object(1), Object(2)}));
  queue.Admit(100);
  EXPECT_TRUE(queue.NextDue()->is_of_first);
  queue.OnComing(Object(3));
  EXPECT_FALSE(queue.NextDue()->is_of_first);
}

// Never half of two: the second waits until the first has gone.
TEST(BundleQueue, TwoThatDoNotFitBesideEachOther) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 40}, {Object(2), 20}});
  queue.Add(2, {.number = 2}, {{Object(3), 30}, {Object(4), 30}});
  EXPECT_EQ(DueOf(queue, 100), (List{Object(1), Object(2)}));
  queue.SetIsHere(Object(1), true);
  queue.SetIsHere(Object(2), true);
  // It is whole, but has not begun.
  EXPECT_EQ(DueOf(queue, 100), (List{Object(3), Object(4)}));
  queue.Admit(100);
  EXPECT_TRUE(queue.IsHeld(Object(1)));
  EXPECT_TRUE(queue.IsOfFirst(Object(1)));
  queue.Remove(1);
  EXPECT_FALSE(queue.IsHeld(Object(1)));
}

TEST(BundleQueue, TheFirstWhateverItTakes) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 500}});
  queue.Add(2, {.number = 2}, {{Object(2), 1}});
  EXPECT_EQ(DueOf(queue, 100), (List{Object(1)}));
}

// One that fits does not go before one that does not, which would wait for ever.
TEST(BundleQueue, NobodyOvertakes) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 50}});
  queue.Add(2, {.number = 2}, {{Object(2), 90}});
  queue.Add(3, {.number = 3}, {{Object(3), 1}});
  EXPECT_EQ(DueOf(queue, 100), (List{Object(1)}));
}

TEST(BundleQueue, WhatTwoWantCountsOnce) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 60}});
  queue.Add(2, {.number = 2}, {{Object(1), 60}, {Object(2), 40}});
  EXPECT_EQ(DueOf(queue, 100), (List{Object(1), Object(2)}));
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
  queue.Admit(100);
  EXPECT_TRUE(queue.IsHeld(Object(1)));
  EXPECT_FALSE(queue.IsHeld(Object(2)));
  queue.SetIsHere(Object(2), false);
  EXPECT_TRUE(queue.IsLacking(Object(2)));
  EXPECT_EQ(DueOf(queue, 200), (List{Object(1), Object(2), Object(3)}));
}

TEST(BundleQueue, WhatIsLostIsNotPulledUntilSomebodyWantsItAnew) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 10}});
  queue.OnLost(Object(1));
  EXPECT_EQ(DueOf(queue, 100), List());
  queue.Add(2, {.number = 2}, {{Object(1), 10}});
  EXPECT_EQ(DueOf(queue, 100), (List{Object(1)}));
}

TEST(BundleQueue, ASizeThatChanges) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 10}});
  queue.Resize(Object(1), 70);
  queue.Admit(100);
  EXPECT_EQ(queue.NextDue()->size_bytes, 70u);
  queue.Resize(Object(9), 70);
}

TEST(BundleQueue, WhatIsComingAndNobodyWantsAnyMoreIsTold) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 10}, {Object(2), 10}});
  queue.Add(2, {.number = 2}, {{Object(2), 10}});
  queue.Admit(100);
  queue.OnComing(Object(1));
  queue.OnComing(Object(2));
  queue.Remove(1);
  EXPECT_EQ(queue.TakeUnwanted(), (List{Object(1)}));
  queue.OnAbandoned(Object(2));
  EXPECT_EQ(DueOf(queue, 100), (List{Object(2)}));
}

// Room that is taken by others: what was admitted is so no more, the last first.
TEST(BundleQueue, LessRoomAdmitsLess) {
  BundleQueue queue;
  for (uint8_t number = 1; number <= 5; ++number) {
    queue.Add(number, {.number = number}, {{Object(number), 10}});
  }
  EXPECT_EQ(DueOf(queue, 50).size(), 5u);
  queue.Admit(50);
  queue.Admit(25);
  EXPECT_TRUE(queue.IsHeld(Object(2)));
  EXPECT_FALSE(queue.IsHeld(Object(3)));
  queue.Admit(0);
  EXPECT_TRUE(queue.IsHeld(Object(1)));
  EXPECT_FALSE(queue.IsHeld(Object(2)));
  queue.Admit(50);
  EXPECT_TRUE(queue.IsHeld(Object(5)));
  EXPECT_TRUE(queue.IsBefore(Object(4), Object(5)));
}

TEST(BundleQueue, TheSameTwiceInOne) {
  BundleQueue queue;
  queue.Add(1, {.number = 1}, {{Object(1), 10}, {Object(1), 10}});
  EXPECT_EQ(DueOf(queue, 100).size(), 1u);
  queue.Remove(1);
  queue.Remove(1);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace rayx::transfer
