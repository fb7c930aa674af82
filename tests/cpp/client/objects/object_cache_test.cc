#include "client/objects/object_cache.h"

#include <gtest/gtest.h>

#include <string>

#include "client/fake_node.h"
#include "common/base/ids.h"

namespace rayx {
namespace {

using Farewell = ObjectCache::Farewell;

ObjectId IdOf(uint32_t index) { return ObjectId::ForReturn(TaskId(), index); }

std::span<const uint8_t> BytesOfText(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// A view with an owner whose end can be seen.
struct Pinned {
  std::shared_ptr<int> owner = std::make_shared<int>(0);
  std::weak_ptr<int> alive = owner;
  ObjectView Take() {
    static const uint8_t kBytes[4] = {1, 2, 3, 4};
    return ObjectView(std::move(owner), kBytes);
  }
};

TEST(ObjectCacheTest, TellsTheNodeOfTheFirstAndTheLastReference) {
  ObjectCache cache(1000);
  EXPECT_TRUE(cache.AddReference(IdOf(1)));
  EXPECT_FALSE(cache.AddReference(IdOf(1)));
  EXPECT_EQ(cache.RemoveReference(IdOf(1)), Farewell::kNone);
  EXPECT_EQ(cache.RemoveReference(IdOf(1)), Farewell::kUrgent);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(ObjectCacheTest, ResultsOfTasksNeedNoQuestion) {
  ObjectCache cache(1000);
  cache.AddResult(IdOf(1));
  EXPECT_FALSE(cache.AddReference(IdOf(1)));
  EXPECT_FALSE(cache.Want(IdOf(1)));
  ObjectView view;
  EXPECT_FALSE(cache.Take(IdOf(1), &view));
  cache.OnInline(IdOf(1), BytesOfText("value"));
  ASSERT_TRUE(cache.Take(IdOf(1), &view));
  EXPECT_EQ(view.bytes().size(), 5u);
  EXPECT_EQ(cache.Settle(IdOf(1), false), Farewell::kNone);
  EXPECT_EQ(cache.RemoveReference(IdOf(1)), Farewell::kNone);
  EXPECT_EQ(cache.RemoveReference(IdOf(1)), Farewell::kDrop);
  EXPECT_EQ(cache.kept_bytes(), 0u);
}

TEST(ObjectCacheTest, WhatStandsForAnActorIsDroppedAtOnce) {
  ObjectCache cache(1000);
  cache.AddResult(IdOf(1));
  cache.TellAtOnce(IdOf(1));
  cache.TellAtOnce(IdOf(2));
  cache.OnInline(IdOf(1), BytesOfText("small"));
  EXPECT_EQ(cache.RemoveReference(IdOf(1)), Farewell::kUrgent);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(ObjectCacheTest, AsksOnceForWhatItDoesNotKnow) {
  ObjectCache cache(1000);
  EXPECT_TRUE(cache.Want(IdOf(1)));
  EXPECT_FALSE(cache.Want(IdOf(1)));
  EXPECT_EQ(cache.Settle(IdOf(1), false), Farewell::kNone);
  EXPECT_EQ(cache.Settle(IdOf(1), false), Farewell::kUrgent);
}

TEST(ObjectCacheTest, KeepsBytesUpToItsBound) {
  ObjectCache cache(8);
  for (uint32_t i = 0; i < 3; ++i) {
    cache.AddResult(IdOf(i));
    cache.OnInline(IdOf(i), BytesOfText("12345"));
  }
  EXPECT_EQ(cache.kept_bytes(), 5u);
  // The second came when there was no room; a Get has to ask, and gets it even so.
  EXPECT_TRUE(cache.IsAvailable(IdOf(1)));
  EXPECT_TRUE(cache.Want(IdOf(1)));
  cache.OnInline(IdOf(1), BytesOfText("12345"));
  ObjectView view;
  EXPECT_TRUE(cache.Take(IdOf(1), &view));
  (void)cache.Settle(IdOf(1), false);
  EXPECT_EQ(cache.kept_bytes(), 5u);
  EXPECT_FALSE(cache.Take(IdOf(1), &view));
}

TEST(ObjectCacheTest, PushedResultInThePoolIsPinnedWhenWanted) {
  ObjectCache cache(1000);
  cache.AddResult(IdOf(1));
  cache.AddResult(IdOf(2));
  EXPECT_FALSE(cache.Want(IdOf(1)));
  cache.OnInPool(IdOf(1));
  cache.OnInPool(IdOf(2));
  EXPECT_EQ(cache.TakeToPin(), std::vector<ObjectId>{IdOf(1)});
  EXPECT_EQ(cache.Settle(IdOf(1), true), Farewell::kNone);
  Pinned pinned;
  cache.OnPinned(IdOf(1), pinned.Take());
  ObjectView view;
  ASSERT_TRUE(cache.Take(IdOf(1), &view));
  (void)cache.Settle(IdOf(1), false);
  ObjectView second;
  EXPECT_TRUE(cache.Take(IdOf(1), &second)) << "others share it";
  view = second = ObjectView();
  EXPECT_TRUE(cache.Take(IdOf(1), &view)) << "also when no view is left";
  view = ObjectView();
  EXPECT_EQ(cache.RemoveReference(IdOf(1)), Farewell::kUrgent);
  EXPECT_TRUE(pinned.alive.expired());
}

TEST(ObjectCacheTest, APinGoesWithTheLastViewIfThereIsNoReference) {
  ObjectCache cache(1000);
  EXPECT_TRUE(cache.Want(IdOf(1)));
  Pinned pinned;
  cache.OnPinned(IdOf(1), pinned.Take());
  ObjectView view;
  ASSERT_TRUE(cache.Take(IdOf(1), &view));
  EXPECT_EQ(cache.Settle(IdOf(1), false), Farewell::kUrgent);
  EXPECT_FALSE(pinned.alive.expired());
  view = ObjectView();
  EXPECT_TRUE(pinned.alive.expired());
}

TEST(ObjectCacheTest, AViewOutlivesTheLastReference) {
  ObjectCache cache(1000);
  cache.AddSealed(IdOf(1));
  EXPECT_TRUE(cache.Want(IdOf(1)));
  Pinned pinned;
  cache.OnPinned(IdOf(1), pinned.Take());
  ObjectView view;
  ASSERT_TRUE(cache.Take(IdOf(1), &view));
  EXPECT_EQ(cache.Settle(IdOf(1), false), Farewell::kNone);
  EXPECT_EQ(cache.RemoveReference(IdOf(1)), Farewell::kUrgent);
  EXPECT_FALSE(pinned.alive.expired());
  view = ObjectView();
  EXPECT_TRUE(pinned.alive.expired());
}

TEST(ObjectCacheTest, OfManyPinsTheLastAreKept) {
  ObjectCache cache(1000);
  std::vector<std::weak_ptr<int>> alive;
  for (uint32_t i = 0; i <= RecentPins::kMost; ++i) {
    cache.AddSealed(IdOf(i));
    EXPECT_TRUE(cache.Want(IdOf(i)));
    Pinned pinned;
    alive.push_back(pinned.alive);
    cache.OnPinned(IdOf(i), pinned.Take());
    (void)cache.Settle(IdOf(i), false);
  }
  EXPECT_TRUE(alive[0].expired());
  EXPECT_FALSE(alive[1].expired());
  ObjectView view;
  EXPECT_TRUE(cache.Take(IdOf(1), &view));
  EXPECT_TRUE(cache.Want(IdOf(0))) << "must be asked for again";
}

TEST(ObjectCacheTest, APinThatNobodyWantsIsGivenBack) {
  ObjectCache cache(1000);
  Pinned unknown;
  cache.OnPinned(IdOf(1), unknown.Take());
  EXPECT_TRUE(unknown.alive.expired());
  cache.AddResult(IdOf(2));
  Pinned unwanted;
  cache.OnPinned(IdOf(2), unwanted.Take());
  EXPECT_TRUE(unwanted.alive.expired());
  EXPECT_TRUE(cache.IsAvailable(IdOf(2)));
}

TEST(ObjectCacheTest, AnInterruptedGetKeepsWhatCame) {
  ObjectCache cache(1000);
  cache.AddResult(IdOf(1));
  (void)cache.Want(IdOf(1));
  cache.OnInPool(IdOf(1));
  (void)cache.TakeToPin();
  (void)cache.Settle(IdOf(1), true);
  Pinned pinned;
  cache.OnPinned(IdOf(1), pinned.Take());
  (void)cache.Settle(IdOf(1), /*keep=*/true);
  EXPECT_FALSE(pinned.alive.expired());
  ObjectView view;
  EXPECT_TRUE(cache.Take(IdOf(1), &view));
  EXPECT_EQ(cache.RemoveReference(IdOf(1)), Farewell::kUrgent);
  view = ObjectView();
  EXPECT_TRUE(pinned.alive.expired());
}

TEST(ObjectCacheTest, ALostPinIsAskedForAgain) {
  ObjectCache cache(1000);
  cache.AddResult(IdOf(1));
  cache.OnInPool(IdOf(1));
  EXPECT_TRUE(cache.Want(IdOf(1)));
  EXPECT_FALSE(cache.Want(IdOf(1)));
  Pinned pinned;
  cache.OnPinned(IdOf(1), pinned.Take());
  EXPECT_EQ(cache.RemoveReference(IdOf(1)), Farewell::kNone);
  (void)cache.Settle(IdOf(1), false);
  (void)cache.Settle(IdOf(1), false);
  EXPECT_TRUE(pinned.alive.expired());
  EXPECT_TRUE(cache.Want(IdOf(1)));
}

TEST(ObjectCacheTest, WatchesCountArrivals) {
  ObjectCache cache(1000);
  cache.AddResult(IdOf(1));
  ObjectCache::Watch first;
  ObjectCache::Watch second;
  EXPECT_FALSE(cache.StartWatch(IdOf(1), &first));
  EXPECT_FALSE(cache.StartWatch(IdOf(1), &first));  // twice in one list
  EXPECT_FALSE(cache.StartWatch(IdOf(1), &second));
  EXPECT_TRUE(cache.StartWatch(IdOf(2), &first));  // unknown: must be asked for
  EXPECT_FALSE(cache.Want(IdOf(2)));
  EXPECT_EQ(cache.EndWatch(IdOf(1), &second), Farewell::kNone);
  cache.OnInPool(IdOf(1));
  EXPECT_EQ(first.arrived, 2u);
  EXPECT_EQ(second.arrived, 0u);
  cache.OnInPool(IdOf(1));
  EXPECT_EQ(first.arrived, 2u);
  EXPECT_EQ(cache.EndWatch(IdOf(1), &first), Farewell::kNone);
  EXPECT_EQ(cache.EndWatch(IdOf(1), &first), Farewell::kNone);
  EXPECT_EQ(cache.EndWatch(IdOf(2), &first), Farewell::kNone);
  EXPECT_EQ(cache.Settle(IdOf(2), false), Farewell::kUrgent);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(ObjectCacheTest, AWatchIsToldWhatHasArrived) {
  ObjectCache cache(1000);
  for (uint32_t i = 1; i <= 3; ++i) cache.AddResult(IdOf(i));
  std::vector<ObjectId> arrived;
  ObjectCache::Watch watch;
  watch.on_arrival = [&](const ObjectId& id) { arrived.push_back(id); };
  for (uint32_t i = 1; i <= 3; ++i) EXPECT_FALSE(cache.StartWatch(IdOf(i), &watch));
  cache.OnInPool(IdOf(3));
  cache.OnInline(IdOf(1), BytesOfText("x"));
  cache.OnInPool(IdOf(3));
  EXPECT_EQ(arrived, (std::vector<ObjectId>{IdOf(3), IdOf(1)})) << "in order, once";
  for (uint32_t i = 1; i <= 3; ++i) EXPECT_EQ(cache.EndWatch(IdOf(i), &watch), Farewell::kNone);
  cache.OnInPool(IdOf(2));
  EXPECT_EQ(arrived.size(), 2u);
}

TEST(ObjectCacheTest, OwnObjects) {
  ObjectCache cache(8);
  const std::string bytes = "123456";
  const auto owner = std::make_shared<int>(0);
  cache.AddOwn(IdOf(1), ObjectView(owner, BytesOfText(bytes)));
  cache.AddOwn(IdOf(2), ObjectView(owner, BytesOfText(bytes)));
  cache.AddSealed(IdOf(3));
  ObjectView view;
  EXPECT_TRUE(cache.Take(IdOf(1), &view));
  EXPECT_FALSE(cache.Take(IdOf(2), &view));
  EXPECT_TRUE(cache.IsAvailable(IdOf(2)));
  EXPECT_TRUE(cache.IsAvailable(IdOf(3)));
  EXPECT_EQ(cache.RemoveReference(IdOf(1)), Farewell::kDrop);
  EXPECT_EQ(cache.RemoveReference(IdOf(2)), Farewell::kDrop);
  EXPECT_EQ(cache.RemoveReference(IdOf(3)), Farewell::kUrgent);
  EXPECT_EQ(cache.kept_bytes(), 0u);
}

}  // namespace
}  // namespace rayx
