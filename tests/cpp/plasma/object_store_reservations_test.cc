// Reservations that are reserved before there is an object for them.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "plasma/object_ids.h"
#include "plasma/object_store.h"

namespace rayx::plasma {
namespace {

constexpr ClientId kAda(1);
constexpr ClientId kBob(2);
constexpr uint64_t kPoolBytes = 4096;

class ObjectStoreReservationsTest : public testing::Test {
 protected:
  void TearDown() override { store_.SanityCheck(); }
  Status Put(ClientId client, uint32_t number, Extent value, bool keep_reference = true) {
    return store_.PutReserved(client, TestObject(number), value, {}, keep_reference);
  }
  ObjectStore store_{kPoolBytes};
};

TEST_F(ObjectStoreReservationsTest, AnObjectIsPutWhereRoomWasReserved) {
  const std::optional<uint64_t> offset = store_.Reserve(kAda, 1000);
  ASSERT_TRUE(offset);
  EXPECT_EQ(store_.Stats().pool_reserved_bytes, 1024u);
  EXPECT_EQ(store_.Stats().pool_used_bytes, 0u) << "it can be given back";
  store_.SanityCheck();
  ASSERT_TRUE(Put(kAda, 1, {*offset, 1010}).ok()) << "as large as the reservation was made";
  const std::optional<ObjectLocation> place = store_.Find(TestObject(1));
  ASSERT_TRUE(place);
  EXPECT_EQ(place->offset, *offset);
  EXPECT_EQ(place->size, 1010u);
  EXPECT_EQ(store_.Stats().pool_reserved_bytes, 0u);
  EXPECT_EQ(store_.Stats().pool_used_bytes, 1024u);
  ASSERT_TRUE(store_.RemoveClientReference(kAda, TestObject(1)).ok());
  EXPECT_EQ(store_.Stats().pool_used_bytes, 0u);
}

TEST_F(ObjectStoreReservationsTest, AReservationIsFilledOnceAndByItsClient) {
  const uint64_t offset = store_.Reserve(kAda, 1000).value();
  EXPECT_EQ(Put(kBob, 1, {offset, 1000}).code(), StatusCode::kNotFound);
  EXPECT_EQ(Put(kAda, 1, {offset + 64, 100}).code(), StatusCode::kNotFound);
  ASSERT_TRUE(Put(kAda, 1, {offset, 1000}).ok());
  EXPECT_EQ(Put(kAda, 2, {offset, 1000}).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_.GiveBack(kAda, offset).code(), StatusCode::kNotFound) << "an object is there";
}

TEST_F(ObjectStoreReservationsTest, SizesThatDoNotFitEndTheReservation) {
  for (const uint64_t size : {uint64_t{0}, uint64_t{129}, ~uint64_t{0}}) {
    const uint64_t offset = store_.Reserve(kAda, 100).value();
    EXPECT_EQ(Put(kAda, 1, {offset, size}).code(), StatusCode::kInvalidArgument) << size;
    EXPECT_EQ(store_.Stats().pool_reserved_bytes, 0u);
  }
  EXPECT_FALSE(store_.Reserve(kAda, kPoolBytes + 1));
}

TEST_F(ObjectStoreReservationsTest, TheFirstValueOfAnIdWins) {
  const uint64_t offset = store_.Reserve(kAda, 1000).value();
  const std::vector<uint8_t> data{1, 2, 3};
  ASSERT_TRUE(store_.PutInline(kBob, TestObject(1), data, {}).ok());
  EXPECT_EQ(Put(kAda, 1, {offset, 1000}).code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(store_.Find(TestObject(1))->is_inline);
  EXPECT_EQ(store_.Stats().pool_used_bytes + store_.Stats().pool_reserved_bytes, 0u);
}

TEST_F(ObjectStoreReservationsTest, WhoStillWritesIsOvertaken) {
  ASSERT_TRUE(store_.Create(kBob, TestObject(1), 500).ok());
  const uint64_t offset = store_.Reserve(kAda, 1000).value();
  ASSERT_TRUE(Put(kAda, 1, {offset, 1000}).ok());
  EXPECT_EQ(store_.Seal(kBob, TestObject(1), {}).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(store_.Find(TestObject(1))->offset, offset);
}

TEST_F(ObjectStoreReservationsTest, WithoutAReferenceItLivesOnlyForOthers) {
  ASSERT_TRUE(Put(kAda, 1, {store_.Reserve(kAda, 1000).value(), 1000}, false).ok());
  EXPECT_FALSE(store_.IsSealed(TestObject(1)));
  EXPECT_TRUE(store_.TakeEffects().empty()) << "nobody had asked for it";
  store_.AddReference(TestObject(2));
  ASSERT_TRUE(Put(kAda, 2, {store_.Reserve(kAda, 1000).value(), 1000}, false).ok());
  EXPECT_TRUE(store_.IsSealed(TestObject(2)));
  store_.RemoveReference(TestObject(2));
  EXPECT_EQ(store_.Stats().objects, 0u);
}

TEST_F(ObjectStoreReservationsTest, WhatIsGivenBackIsFreeForOthers) {
  const uint64_t offset = store_.Reserve(kAda, kPoolBytes).value();
  EXPECT_EQ(store_.Create(kBob, TestObject(1), 64).status().code(), StatusCode::kStoreFull);
  EXPECT_EQ(store_.GiveBack(kBob, offset).code(), StatusCode::kNotFound);
  ASSERT_TRUE(store_.GiveBack(kAda, offset).ok());
  EXPECT_TRUE(store_.Create(kBob, TestObject(1), 64).ok());
}

TEST_F(ObjectStoreReservationsTest, TheReservationsOfAClientGoWithIt) {
  const uint64_t offset = store_.Reserve(kAda, 100).value();
  ASSERT_TRUE(store_.Reserve(kAda, 200));
  ASSERT_TRUE(store_.Reserve(kBob, 300));
  store_.OnClientGone(kAda);
  EXPECT_EQ(store_.Stats().pool_reserved_bytes, 320u);
  EXPECT_EQ(Put(kAda, 1, {offset, 100}).code(), StatusCode::kNotFound);
}

TEST_F(ObjectStoreReservationsTest, ADumpTellsWhatIsReserved) {
  ASSERT_TRUE(store_.Reserve(kAda, 2048));
  const std::string text = StoreText(store_.Stats(), store_.Summaries(), 1);
  EXPECT_NE(text.find("used 0 bytes"), std::string::npos) << text;
  EXPECT_NE(text.find("reserved 2.0 KiB (2048 bytes)"), std::string::npos) << text;
}

}  // namespace
}  // namespace rayx::plasma
