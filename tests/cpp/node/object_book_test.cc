#include "node/object_book.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "node/node_recorder.h"

namespace rayx::node {
namespace {

ObjectId PutNumber(uint32_t index) { return ObjectId::ForPut(TaskNumber(9), index); }

class ObjectBookTest : public ::testing::Test {
 protected:
  NodeRecorder node_;
  Peer& peer_ = node_.Driver(1);
  Peer& other_ = node_.Driver(2);
  ObjectBook& objects_ = node_.core().objects();
};

TEST_F(ObjectBookTest, WhoeverWaitsIsSentTheValueInOneMessage) {
  const std::vector<ObjectId> ids = {PutNumber(0), PutNumber(1)};
  objects_.OnGet(other_, ids, /*pin=*/true, /*fence=*/0);
  EXPECT_EQ(node_.Turn(), Lines());
  ASSERT_TRUE(objects_.OnPut(peer_, ids[0], Bytes("a"), {}).ok());
  ASSERT_TRUE(objects_.OnPut(peer_, ids[1], Bytes("b"), {}).ok());
  ASSERT_TRUE(objects_.OnPut(peer_, ids[1], Bytes("c"), {}).ok()) << "the first one wins";
  EXPECT_EQ(node_.Turn(), Lines({"objects to c2: t9.put0=a t9.put1=b"}));
  EXPECT_EQ(node_.Turn(), Lines());
}

TEST_F(ObjectBookTest, AFenceIsToldBehindWhatIsThere) {
  const std::vector<ObjectId> ids = {PutNumber(0), PutNumber(1)};
  ASSERT_TRUE(objects_.OnPut(peer_, ids[0], Bytes("a"), {}).ok());
  objects_.OnGet(other_, ids, /*pin=*/false, /*fence=*/7);
  EXPECT_EQ(node_.Turn(), Lines({"objects to c2: t9.put0=a fence 7"}));
  const std::vector<ObjectId> none = {PutNumber(2)};
  objects_.OnGet(other_, none, /*pin=*/false, /*fence=*/8);
  EXPECT_EQ(node_.Turn(), Lines({"objects to c2: fence 8"}));
}

TEST_F(ObjectBookTest, WhoDoesNotReadIsSentNothingUntilItDoes) {
  const std::vector<ObjectId> ids = {PutNumber(0)};
  ASSERT_TRUE(objects_.OnPut(peer_, ids[0], Bytes("a"), {}).ok());
  node_.backlog_bytes = limits::kPeerBacklogBytesSoft;
  objects_.OnGet(other_, ids, /*pin=*/false, /*fence=*/1);
  EXPECT_EQ(node_.Turn(), Lines());
  EXPECT_EQ(objects_.delivering(), 1u);
  node_.backlog_bytes = 0;
  EXPECT_EQ(node_.Turn(), Lines({"objects to c2: t9.put0=a fence 1"}));
  EXPECT_EQ(objects_.delivering(), 0u);
}

TEST_F(ObjectBookTest, ManyValuesGoInSeveralMessages) {
  const std::string value(limits::kInlineObjectBytesMax, 'x');
  std::vector<ObjectId> ids;
  for (uint32_t i = 0; i < 20; ++i) {
    ids.push_back(PutNumber(i));
    ASSERT_TRUE(objects_.OnPut(peer_, ids.back(), Bytes(value), {}).ok());
  }
  objects_.OnGet(other_, ids, false, 1);
  EXPECT_EQ(node_.Turn().size(), 2u);
}

TEST_F(ObjectBookTest, APinnedObjectStaysUntilItIsUnpinned) {
  const ObjectId id = PutNumber(0);
  ASSERT_TRUE(objects_.Create(peer_, id, 1000).ok());
  ASSERT_TRUE(objects_.OnSeal(peer_, id, {}).ok());
  const std::vector<ObjectId> ids = {id};
  objects_.OnGet(other_, ids, /*pin=*/true, 0);
  EXPECT_EQ(node_.Turn(), Lines({"objects to c2: t9.put0 pinned"}));
  ASSERT_TRUE(objects_.OnRelease(peer_, {}, ids).ok());
  ASSERT_TRUE(objects_.OnRelease(other_, {}, ids).ok());
  EXPECT_EQ(node_.Turn(), Lines());
  ASSERT_TRUE(objects_.OnRelease(other_, ids, {}).ok());
  EXPECT_EQ(node_.Turn(), Lines({"deleted t9.put0"}));
  EXPECT_FALSE(objects_.OnRelease(other_, ids, {}).ok()) << "a breach of protocol";
}

TEST_F(ObjectBookTest, ReservationsAreTakenBackBeforeTheStoreIsFull) {
  ASSERT_TRUE(objects_.Create(peer_, PutNumber(0), NodeRecorder::kPoolBytes / 2).ok());
  const auto reserved = node_.core().store().Reserve(other_.id, NodeRecorder::kPoolBytes / 2);
  ASSERT_TRUE(reserved);
  const auto full = objects_.Create(peer_, PutNumber(1), 1000);
  EXPECT_EQ(full.status().code(), StatusCode::kStoreFull);
  ASSERT_TRUE(node_.core().store().GiveBack(other_.id, *reserved).ok());
  EXPECT_TRUE(objects_.Create(peer_, PutNumber(1), 1000).ok());
}

TEST_F(ObjectBookTest, ANewValueInAReservationIsAnObject) {
  const auto room = node_.core().store().Reserve(peer_.id, 1000);
  ASSERT_TRUE(room);
  const std::vector<ObjectId> ids = {PutNumber(0)};
  objects_.OnGet(other_, ids, true, 0);
  ASSERT_TRUE(objects_.OnPutReserved(peer_, ids[0], {*room, 900}, {}, false).ok());
  EXPECT_EQ(node_.Turn(), Lines({"objects to c2: t9.put0 pinned"}));
}

TEST_F(ObjectBookTest, WhatAClientHadGoesWithIt) {
  const std::vector<ObjectId> ids = {PutNumber(0)};
  ASSERT_TRUE(objects_.OnPut(peer_, ids[0], Bytes("a"), {}).ok());
  objects_.OnAddReferences(other_, ids);
  node_.Gone(peer_);
  EXPECT_EQ(node_.Turn(), Lines({"driver gone"}));
  node_.Gone(other_);
  EXPECT_EQ(node_.Turn(), Lines({"driver gone", "deleted t9.put0"}));
}

}  // namespace
}  // namespace rayx::node
