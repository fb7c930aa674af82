#include "plasma/object_store.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "plasma/object_ids.h"

namespace rayx::plasma {
namespace {

constexpr ClientId kAda(1);
constexpr ClientId kBob(2);
constexpr ClientId kCid(3);
constexpr ClientId kNode = kNoClient;
constexpr uint64_t kPoolBytes = 64 * 1024;

const std::vector<uint8_t> kData = {1, 2, 3};

class ObjectStoreTest : public ::testing::Test {
 protected:
  void TearDown() override { store_.SanityCheck(); }

  // The effects since the last call, each as a line.
  std::vector<std::string> Effects() {
    std::vector<std::string> lines;
    for (const Effect& effect : store_.TakeEffects()) {
      if (const auto* sealed = std::get_if<ObjectSealed>(&effect)) {
        lines.push_back("sealed " + NameOf(sealed->id));
      } else if (const auto* deleted = std::get_if<ObjectDeleted>(&effect)) {
        lines.push_back("deleted " + NameOf(deleted->id) + " " + std::to_string(deleted->size));
      } else if (const auto* deliver = std::get_if<DeliverObject>(&effect)) {
        lines.push_back("deliver " + NameOf(deliver->id) + " to " + deliver->client.ToString() +
                        (deliver->pin ? " pinned" : ""));
      }
    }
    return lines;
  }
  static std::string NameOf(const ObjectId& id) {
    for (uint32_t number = 0; number < 10; ++number) {
      if (TestObject(number) == id) return std::to_string(number);
    }
    return id.Hex();
  }
  using Lines = std::vector<std::string>;

  void PutInPool(ClientId creator, uint32_t number, uint64_t size) {
    ASSERT_TRUE(store_.Create(creator, TestObject(number), size).ok());
    ASSERT_TRUE(store_.Seal(creator, TestObject(number), {}).ok());
  }

  ObjectStore store_{kPoolBytes};
};

TEST_F(ObjectStoreTest, TellsWhetherOnlySomeHoldAnObject) {
  const std::array both = {kAda, kBob};
  const std::array one = {kAda};
  EXPECT_FALSE(store_.IsHeldOnlyBy(TestObject(1), both)) << "there is none";
  ASSERT_TRUE(store_.PutInline(kAda, TestObject(1), kData, {}).ok());
  EXPECT_TRUE(store_.IsHeldOnlyBy(TestObject(1), one));
  store_.AddClientReference(kBob, TestObject(1));
  EXPECT_TRUE(store_.IsHeldOnlyBy(TestObject(1), both));
  EXPECT_FALSE(store_.IsHeldOnlyBy(TestObject(1), one));
  store_.AddReference(TestObject(1));
  EXPECT_FALSE(store_.IsHeldOnlyBy(TestObject(1), both)) << "a task does";
  store_.RemoveReference(TestObject(1));
  EXPECT_TRUE(store_.IsHeldOnlyBy(TestObject(1), both));
}

TEST_F(ObjectStoreTest, FunctionsAreNoObjectsInTheDump) {
  const FunctionId function;
  ASSERT_TRUE(store_.PutInline(kAda, ObjectId::ForFunction(function), {}, {}).ok());
  const std::string text = StoreText(store_.Stats(), store_.Summaries(), 10);
  EXPECT_EQ(text.rfind("object store: 0 objects, 0 of them sealed, and 1 functions;", 0), 0u)
      << text;
}

TEST_F(ObjectStoreTest, AnObjectIsCreatedSealedFoundAndGoesWithItsLastReference) {
  const Result<uint64_t> offset = store_.Create(kAda, TestObject(1), 1000);
  ASSERT_TRUE(offset.ok());
  EXPECT_FALSE(store_.IsSealed(TestObject(1)));
  EXPECT_FALSE(store_.Find(TestObject(1)).has_value());
  EXPECT_EQ(Effects(), Lines{});
  ASSERT_TRUE(store_.Seal(kAda, TestObject(1), {}).ok());
  EXPECT_EQ(Effects(), Lines{"sealed 1"});
  const std::optional<ObjectLocation> place = store_.Find(TestObject(1));
  ASSERT_TRUE(place.has_value());
  EXPECT_FALSE(place->is_inline);
  EXPECT_EQ(place->offset, *offset);
  EXPECT_EQ(place->size, 1000u);
  ASSERT_TRUE(store_.RemoveClientReference(kAda, TestObject(1)).ok());
  EXPECT_EQ(Effects(), Lines{"deleted 1 1000"});
  EXPECT_EQ(store_.Stats().pool_used_bytes, 0u);
  EXPECT_EQ(store_.Stats().objects, 0u);
}

TEST_F(ObjectStoreTest, ASmallObjectIsPutWhole) {
  ASSERT_TRUE(store_.PutInline(kAda, TestObject(1), kData, {}).ok());
  EXPECT_EQ(Effects(), Lines{"sealed 1"});
  const std::optional<ObjectLocation> place = store_.Find(TestObject(1));
  ASSERT_TRUE(place.has_value());
  EXPECT_TRUE(place->is_inline);
  EXPECT_EQ(std::vector<uint8_t>(place->data.begin(), place->data.end()), kData);
  EXPECT_EQ(store_.Stats().inline_bytes, 3u);
  EXPECT_EQ(store_.Stats().pool_used_bytes, 0u);
}

TEST_F(ObjectStoreTest, ADeferredDeliveryThatIsMadeElsewhereIsNotMadeHere) {
  store_.Defer(kAda, TestObject(1));
  store_.Settle(kAda, TestObject(1), Settlement::kDelivered);
  store_.Settle(kAda, TestObject(2), Settlement::kDelivered);
  ASSERT_TRUE(store_.PutInline(kNode, TestObject(1), kData, {}).ok());
  EXPECT_EQ(Effects(), Lines{"sealed 1"}) << "and kept, as Ada refers to it";
  store_.Settle(kAda, TestObject(1), Settlement::kDelivered);
  EXPECT_EQ(Effects(), Lines{});
  for (const ClientId client : {kAda, kBob}) {
    store_.Settle(client, TestObject(1), Settlement::kLost);
  }
  store_.Settle(kAda, TestObject(2), Settlement::kLost);
  EXPECT_EQ(Effects(), Lines{"deliver 1 to 1"}) << "it did not arrive";
  ASSERT_TRUE(store_.RemoveClientReference(kAda, TestObject(1)).ok());
  EXPECT_EQ(Effects(), Lines{"deleted 1 3"});
}

TEST_F(ObjectStoreTest, ADeferredDeliveryThatIsLostOrOfWhichNobodySpeaksIsMadeHere) {
  store_.Defer(kAda, TestObject(1));
  store_.Settle(kAda, TestObject(1), Settlement::kLost);
  EXPECT_EQ(Effects(), Lines{}) << "there is no value yet";
  store_.Settle(kAda, TestObject(1), Settlement::kDelivered);
  store_.Defer(kBob, TestObject(1));
  ASSERT_TRUE(store_.PutInline(kNode, TestObject(1), kData, {}).ok());
  EXPECT_EQ(Effects(), (Lines{"sealed 1", "deliver 1 to 1", "deliver 1 to 2"}));
}

TEST_F(ObjectStoreTest, WhoAsksItselfIsDeliveredToWhoeverServesIt) {
  store_.Defer(kAda, TestObject(1));
  store_.Get(kAda, TestObject(1), /*pin=*/false);
  store_.Settle(kAda, TestObject(1), Settlement::kDelivered);
  ASSERT_TRUE(store_.PutInline(kNode, TestObject(1), kData, {}).ok());
  EXPECT_EQ(Effects(), (Lines{"sealed 1", "deliver 1 to 1"}));
  store_.Defer(kBob, TestObject(1));
  EXPECT_EQ(Effects(), Lines{"deliver 1 to 2"}) << "it is there";
}

TEST_F(ObjectStoreTest, WhatAValueContainsCanBeAsked) {
  ASSERT_TRUE(store_.PutInline(kAda, TestObject(1), kData, {}).ok());
  ASSERT_TRUE(store_.PutInline(kAda, TestObject(2), kData, {{TestObject(1), TestObject(9)}}).ok());
  EXPECT_TRUE(store_.ContainedIn(TestObject(1)).empty());
  EXPECT_EQ(store_.ContainedIn(TestObject(2)),
            (std::vector<ObjectId>{TestObject(1), TestObject(9)}));
  EXPECT_TRUE(store_.ContainedIn(TestObject(9)).empty()) << "it has no value";
}

TEST_F(ObjectStoreTest, WhoWaitsIsServedInOrderOfAsking) {
  store_.Get(kBob, TestObject(1), false);
  store_.Get(kAda, TestObject(1), true);
  store_.Get(kCid, TestObject(1), false);
  store_.Get(kBob, TestObject(1), false);
  EXPECT_EQ(Effects(), Lines{});
  ASSERT_TRUE(store_.PutInline(kNode, TestObject(1), kData, {}).ok());
  EXPECT_EQ(Effects(), (Lines{"sealed 1", "deliver 1 to 2", "deliver 1 to 1", "deliver 1 to 3"}));
  store_.Get(kBob, TestObject(1), true);
  EXPECT_EQ(Effects(), Lines{"deliver 1 to 2"});
}

TEST_F(ObjectStoreTest, AWishToPinIsRememberedAndCountedAtDelivery) {
  store_.Get(kBob, TestObject(1), false);
  store_.Get(kBob, TestObject(1), true);
  PutInPool(kAda, 1, 100);
  EXPECT_EQ(Effects(), (Lines{"sealed 1", "deliver 1 to 2 pinned"}));
  EXPECT_EQ(store_.Stats().pinned_bytes, 100u);
  EXPECT_TRUE(store_.Unpin(kBob, TestObject(1)).ok());
  EXPECT_EQ(store_.Stats().pinned_bytes, 0u);
}

TEST_F(ObjectStoreTest, AValueThatNobodyWantsIsDroppedWithoutAWord) {
  const std::array<ObjectId, 1> contained = {TestObject(4)};
  ASSERT_TRUE(store_.PutInline(kNode, TestObject(1), kData, contained).ok());
  EXPECT_EQ(Effects(), Lines{});
  EXPECT_EQ(store_.Stats().objects, 0u);
  ASSERT_TRUE(store_.Create(kAda, TestObject(3), 100).ok());
  ASSERT_TRUE(store_.RemoveClientReference(kAda, TestObject(3)).ok());
  ASSERT_TRUE(store_.Seal(kAda, TestObject(3), contained).ok());
  EXPECT_EQ(Effects(), Lines{});
  EXPECT_EQ(store_.Stats().objects, 0u);
  EXPECT_EQ(store_.Stats().pool_used_bytes, 0u);
}

TEST_F(ObjectStoreTest, TheFirstSealedValueWins) {
  ASSERT_TRUE(store_.PutInline(kAda, TestObject(1), kData, {}).ok());
  EXPECT_EQ(store_.PutInline(kBob, TestObject(1), {}, {}).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(store_.Create(kBob, TestObject(1), 64).status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(store_.Find(TestObject(1))->data.size(), 3u);
  EXPECT_EQ(store_.RemoveClientReference(kBob, TestObject(1)).code(), StatusCode::kNotFound);
}

TEST_F(ObjectStoreTest, AnObjectIsExpectedFromTheFirstReferenceToTheValue) {
  EXPECT_FALSE(store_.IsExpected(TestObject(1)));
  store_.AddReference(TestObject(1));
  EXPECT_TRUE(store_.IsExpected(TestObject(1)));
  ASSERT_TRUE(store_.Create(kAda, TestObject(1), 64).ok());
  EXPECT_TRUE(store_.IsExpected(TestObject(1)));
  ASSERT_TRUE(store_.Seal(kAda, TestObject(1), {}).ok());
  EXPECT_FALSE(store_.IsExpected(TestObject(1)));
  // A writer alone, without any reference, makes nobody expect the value.
  ASSERT_TRUE(store_.Create(kAda, TestObject(2), 64).ok());
  ASSERT_TRUE(store_.RemoveClientReference(kAda, TestObject(2)).ok());
  EXPECT_FALSE(store_.IsExpected(TestObject(2)));
}

TEST_F(ObjectStoreTest, OneCreatorAtATime) {
  ASSERT_TRUE(store_.Create(kAda, TestObject(1), 64).ok());
  EXPECT_EQ(store_.Create(kBob, TestObject(1), 64).status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(store_.Create(kAda, TestObject(1), 64).status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(store_.Seal(kBob, TestObject(1), {}).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.Abort(kBob, TestObject(1)).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.Create(kAda, TestObject(2), 0).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(ObjectStoreTest, F57SealingTwiceOrUnaskedChangesNothing) {
  PutInPool(kAda, 1, 64);
  Effects();
  EXPECT_EQ(store_.Seal(kAda, TestObject(1), {}).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.Abort(kAda, TestObject(1)).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.Seal(kAda, TestObject(2), {}).code(), StatusCode::kNotFound);
  EXPECT_EQ(Effects(), Lines{});
  EXPECT_TRUE(store_.IsSealed(TestObject(1)));
}

TEST_F(ObjectStoreTest, F57ReleasingWhatIsNotHeldChangesNothing) {
  PutInPool(kAda, 1, 64);
  ASSERT_TRUE(store_.Pin(kAda, TestObject(1)).ok());
  Effects();
  EXPECT_EQ(store_.RemoveClientReference(kBob, TestObject(1)).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.Unpin(kBob, TestObject(1)).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.RemoveClientReference(kBob, TestObject(9)).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.Unpin(kBob, TestObject(9)).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.Pin(kBob, TestObject(9)).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(store_.Unpin(kAda, TestObject(1)).ok());
  EXPECT_EQ(store_.Unpin(kAda, TestObject(1)).code(), StatusCode::kNotFound);
  EXPECT_EQ(Effects(), Lines{});
  EXPECT_TRUE(store_.IsSealed(TestObject(1)));
  EXPECT_EQ(store_.Stats().objects, 1u);
}

TEST_F(ObjectStoreTest, AbortGivesTheRoomAndTheReferenceBack) {
  ASSERT_TRUE(store_.Create(kAda, TestObject(1), 64).ok());
  ASSERT_TRUE(store_.Abort(kAda, TestObject(1)).ok());
  EXPECT_EQ(store_.Stats().objects, 0u);
  EXPECT_EQ(store_.Stats().pool_used_bytes, 0u);
  store_.Get(kBob, TestObject(2), false);
  store_.AddClientReference(kAda, TestObject(2));
  ASSERT_TRUE(store_.Create(kAda, TestObject(2), 64).ok());
  ASSERT_TRUE(store_.Abort(kAda, TestObject(2)).ok());
  // It had a reference before, so it still has.
  EXPECT_TRUE(store_.RemoveClientReference(kAda, TestObject(2)).ok());
  EXPECT_EQ(Effects(), Lines{});
  PutInPool(kCid, 2, 64);
  EXPECT_EQ(Effects(), (Lines{"sealed 2", "deliver 2 to 2"}));
}

TEST_F(ObjectStoreTest, AnInlineValueOvertakesOneThatIsBeingWritten) {
  store_.Get(kBob, TestObject(1), true);
  ASSERT_TRUE(store_.Create(kAda, TestObject(1), 64).ok());
  ASSERT_TRUE(store_.PutInline(kNode, TestObject(1), kData, {}).ok());
  EXPECT_EQ(Effects(), (Lines{"sealed 1", "deliver 1 to 2"}));
  // The creator may still be writing: its room is not given to others yet.
  EXPECT_EQ(store_.Stats().pool_used_bytes, 64u);
  store_.SanityCheck();
  EXPECT_EQ(store_.Seal(kAda, TestObject(1), {}).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(store_.Stats().pool_used_bytes, 0u);
  EXPECT_TRUE(store_.Find(TestObject(1))->is_inline);
  EXPECT_TRUE(store_.RemoveClientReference(kAda, TestObject(1)).ok());
}

TEST_F(ObjectStoreTest, AnOvertakenCreatorMayAbortOrGo) {
  store_.AddReference(TestObject(1));
  for (const bool goes : {false, true}) {
    const uint32_t number = goes ? 2 : 1;
    store_.AddClientReference(kBob, TestObject(number));
    ASSERT_TRUE(store_.Create(kAda, TestObject(number), 64).ok());
    ASSERT_TRUE(store_.PutInline(kBob, TestObject(number), kData, {}).ok());
    EXPECT_EQ(store_.Create(kAda, TestObject(number), 64).status().code(),
              StatusCode::kAlreadyExists);
    if (goes) {
      store_.OnClientGone(kAda);
    } else {
      EXPECT_TRUE(store_.Abort(kAda, TestObject(number)).ok());
    }
    EXPECT_EQ(store_.Stats().pool_used_bytes, 0u);
    EXPECT_EQ(store_.RemoveClientReference(kAda, TestObject(number)).code(), StatusCode::kNotFound);
    store_.SanityCheck();
  }
}

TEST_F(ObjectStoreTest, F39AWriterThatDiesGivesItsRoomBackAtOnce) {
  store_.Get(kBob, TestObject(1), false);
  ASSERT_TRUE(store_.Create(kAda, TestObject(1), kPoolBytes).ok());
  store_.OnClientGone(kAda);
  EXPECT_EQ(store_.Stats().pool_used_bytes, 0u);
  EXPECT_EQ(Effects(), Lines{});
  // The other client simply goes on waiting, and the next attempt serves it.
  PutInPool(kCid, 1, kPoolBytes);
  EXPECT_EQ(Effects(), (Lines{"sealed 1", "deliver 1 to 2"}));
}

TEST_F(ObjectStoreTest, F39AWriterThatDroppedItsReferenceGivesItsRoomBackToo) {
  ASSERT_TRUE(store_.Create(kAda, TestObject(1), 64).ok());
  ASSERT_TRUE(store_.RemoveClientReference(kAda, TestObject(1)).ok());
  store_.SanityCheck();
  EXPECT_EQ(store_.Stats().pool_used_bytes, 64u);
  store_.OnClientGone(kAda);
  EXPECT_EQ(store_.Stats().pool_used_bytes, 0u);
  EXPECT_EQ(store_.Stats().objects, 0u);
}

TEST_F(ObjectStoreTest, F40MemoryStaysUntilTheLastPinGoes) {
  PutInPool(kAda, 1, 1000);
  ASSERT_TRUE(store_.Pin(kAda, TestObject(1)).ok());
  ASSERT_TRUE(store_.Pin(kBob, TestObject(1)).ok());
  ASSERT_TRUE(store_.Pin(kBob, TestObject(1)).ok());
  ASSERT_TRUE(store_.RemoveClientReference(kAda, TestObject(1)).ok());
  EXPECT_EQ(Effects(), Lines{"sealed 1"});
  EXPECT_EQ(store_.Stats().pinned_bytes, 1000u);
  ASSERT_TRUE(store_.Unpin(kAda, TestObject(1)).ok());
  ASSERT_TRUE(store_.Unpin(kBob, TestObject(1)).ok());
  EXPECT_TRUE(store_.IsSealed(TestObject(1)));
  ASSERT_TRUE(store_.Unpin(kBob, TestObject(1)).ok());
  EXPECT_EQ(Effects(), Lines{"deleted 1 1000"});
  EXPECT_EQ(store_.Stats().pinned_bytes, 0u);
}

TEST_F(ObjectStoreTest, InlineObjectsAreNotPinned) {
  ASSERT_TRUE(store_.PutInline(kAda, TestObject(1), kData, {}).ok());
  const Result<ObjectLocation> place = store_.Pin(kAda, TestObject(1));
  ASSERT_TRUE(place.ok());
  EXPECT_TRUE(place->is_inline);
  EXPECT_EQ(store_.Unpin(kAda, TestObject(1)).code(), StatusCode::kNotFound);
}

TEST_F(ObjectStoreTest, EverythingOfAClientGoesWithIt) {
  PutInPool(kAda, 1, 100);
  ASSERT_TRUE(store_.PutInline(kAda, TestObject(2), kData, {}).ok());
  ASSERT_TRUE(store_.Create(kAda, TestObject(3), 100).ok());
  store_.Get(kAda, TestObject(4), true);
  ASSERT_TRUE(store_.Pin(kAda, TestObject(1)).ok());
  store_.AddClientReference(kBob, TestObject(2));
  Effects();
  store_.OnClientGone(kAda);
  EXPECT_EQ(Effects(), Lines{"deleted 1 100"});
  EXPECT_EQ(store_.Stats().objects, 1u);
  EXPECT_TRUE(store_.IsSealed(TestObject(2)));
  ASSERT_TRUE(store_.PutInline(kNode, TestObject(4), kData, {}).ok());
  EXPECT_EQ(Effects(), Lines{});
  store_.OnClientGone(kAda);
}

TEST_F(ObjectStoreTest, WhoDropsItsReferenceWaitsNoLonger) {
  store_.Get(kAda, TestObject(1), false);
  store_.Get(kBob, TestObject(1), false);
  ASSERT_TRUE(store_.RemoveClientReference(kAda, TestObject(1)).ok());
  ASSERT_TRUE(store_.PutInline(kNode, TestObject(1), kData, {}).ok());
  EXPECT_EQ(Effects(), (Lines{"sealed 1", "deliver 1 to 2"}));
}

TEST_F(ObjectStoreTest, CountedReferencesKeepAnObject) {
  store_.AddReference(TestObject(1));
  store_.AddReference(TestObject(1));
  ASSERT_TRUE(store_.PutInline(kNode, TestObject(1), kData, {}).ok());
  store_.RemoveReference(TestObject(1));
  EXPECT_EQ(Effects(), Lines{"sealed 1"});
  store_.RemoveReference(TestObject(1));
  EXPECT_EQ(Effects(), Lines{"deleted 1 3"});
  EXPECT_DEATH(store_.RemoveReference(TestObject(1)), "check failed");
}

TEST_F(ObjectStoreTest, AValueKeepsWhatItContains) {
  ASSERT_TRUE(store_.PutInline(kAda, TestObject(1), kData, {}).ok());
  const std::array<ObjectId, 4> contained = {TestObject(1), TestObject(1), TestObject(2),
                                             TestObject(3)};
  ASSERT_TRUE(store_.PutInline(kAda, TestObject(2), kData, contained).ok());
  ASSERT_TRUE(store_.RemoveClientReference(kAda, TestObject(1)).ok());
  EXPECT_EQ(Effects(), (Lines{"sealed 1", "sealed 2"}));
  // What has no value yet is expected, and wanted.
  ASSERT_TRUE(store_.PutInline(kNode, TestObject(3), kData, {}).ok());
  EXPECT_EQ(Effects(), Lines{"sealed 3"});
  store_.SanityCheck();
  ASSERT_TRUE(store_.RemoveClientReference(kAda, TestObject(2)).ok());
  EXPECT_EQ(Effects(), (Lines{"deleted 2 3", "deleted 3 3", "deleted 1 3"}));
  EXPECT_EQ(store_.Stats().objects, 0u);
}

TEST_F(ObjectStoreTest, AMillionNestedContainersEndWithoutRecursion) {
  constexpr uint32_t kDepth = 1000000;
  for (uint32_t number = 0; number < kDepth; ++number) {
    const ObjectId inner = number == 0 ? TestObject(kDepth) : TestObject(number - 1);
    ASSERT_TRUE(store_.PutInline(kAda, TestObject(number), kData, {&inner, 1}).ok());
    if (number > 0) {
      ASSERT_TRUE(store_.RemoveClientReference(kAda, inner).ok());
    }
  }
  EXPECT_EQ(store_.Stats().sealed_objects, kDepth);
  store_.TakeEffects();
  ASSERT_TRUE(store_.RemoveClientReference(kAda, TestObject(kDepth - 1)).ok());
  EXPECT_EQ(store_.TakeEffects().size(), kDepth);
  EXPECT_EQ(store_.Stats().objects, 0u);
}

TEST_F(ObjectStoreTest, F36AFullStoreTellsWhoHoldsTheRoom) {
  PutInPool(kAda, 1, 40 * 1024);
  ASSERT_TRUE(store_.Pin(kAda, TestObject(1)).ok());
  store_.AddReference(TestObject(1));
  for (uint32_t number = 2; number < 9; ++number) PutInPool(kBob, number, 512 * number);
  const Status full = store_.Create(kCid, TestObject(9), 32 * 1024).status();
  EXPECT_EQ(full.code(), StatusCode::kStoreFull);
  const std::string& text = full.message();
  for (const std::string& part :
       {std::string("32.0 KiB"), std::string("64.0 KiB"), std::string("object_store_memory"),
        TestObject(1).Hex() +
            " sealed, 40.0 KiB (40960 bytes), held by 1 client and 1 task or object, pinned 1 time",
        TestObject(8).Hex()}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is missing from " << text;
  }
  // The largest only.
  EXPECT_EQ(text.find(TestObject(2).Hex()), std::string::npos);
  // Nothing was begun.
  EXPECT_EQ(store_.Seal(kCid, TestObject(9), {}).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.RemoveClientReference(kCid, TestObject(9)).code(), StatusCode::kNotFound);
}

TEST_F(ObjectStoreTest, F36SizesNearTheEndOfTheNumbersAreRefused) {
  for (const uint64_t size : {UINT64_MAX, UINT64_MAX - 63, uint64_t{1} << 63, kPoolBytes + 1}) {
    const Status full = store_.Create(kAda, TestObject(1), size).status();
    EXPECT_EQ(full.code(), StatusCode::kStoreFull) << size;
    EXPECT_NE(full.message().find("larger than the whole pool"), std::string::npos);
  }
  EXPECT_EQ(store_.Stats().objects, 0u);
}

TEST_F(ObjectStoreTest, UnpinnedObjectsOfThePoolMayLeaveInOrderOfUse) {
  for (uint32_t number = 1; number <= 3; ++number) PutInPool(kAda, number, 100);
  ASSERT_TRUE(store_.PutInline(kAda, TestObject(4), kData, {}).ok());
  ASSERT_TRUE(store_.Create(kAda, TestObject(5), 100).ok());
  using Ids = std::vector<ObjectId>;
  EXPECT_EQ(store_.EvictionCandidates(kPoolBytes),
            (Ids{TestObject(1), TestObject(2), TestObject(3)}));
  store_.Get(kBob, TestObject(1), false);
  ASSERT_TRUE(store_.Pin(kBob, TestObject(2)).ok());
  EXPECT_EQ(store_.EvictionCandidates(kPoolBytes), (Ids{TestObject(3), TestObject(1)}));
  ASSERT_TRUE(store_.Unpin(kBob, TestObject(2)).ok());
  EXPECT_EQ(store_.EvictionCandidates(kPoolBytes),
            (Ids{TestObject(3), TestObject(1), TestObject(2)}));
  EXPECT_EQ(store_.EvictionCandidates(100), Ids{TestObject(3)});
}

TEST_F(ObjectStoreTest, StatsKnowWarmMemoryAndTheLargestPiece) {
  EXPECT_EQ(store_.Stats().pool_touched_bytes, 0u);
  PutInPool(kAda, 1, 1000);
  ASSERT_TRUE(store_.RemoveClientReference(kAda, TestObject(1)).ok());
  EXPECT_EQ(store_.Stats().pool_touched_bytes, 1024u);
  EXPECT_EQ(store_.Stats().pool_largest_free_bytes, kPoolBytes);
}

TEST_F(ObjectStoreTest, TheDebugTextListsTheLargestFirst) {
  PutInPool(kAda, 1, 100);
  PutInPool(kAda, 2, 200);
  ASSERT_TRUE(store_.PutInline(kAda, TestObject(3), kData, {}).ok());
  store_.AddReference(TestObject(4));
  const std::string text = StoreText(store_.Stats(), store_.Summaries(), 2);
  EXPECT_NE(text.find("4 objects, 3 of them sealed"), std::string::npos) << text;
  EXPECT_LT(text.find(TestObject(2).Hex()), text.find(TestObject(1).Hex()));
  EXPECT_EQ(text.find(TestObject(3).Hex()), std::string::npos);
}

}  // namespace
}  // namespace rayx::plasma
