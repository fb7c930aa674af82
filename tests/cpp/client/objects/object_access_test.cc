#include "client/objects/object_access.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "client/connection/handshake.h"
#include "client/connection/message.h"
#include "client/fake_node.h"
#include "client/memory/object_memory.h"
#include "common/protocol/wire_ids.h"
#include "testing/open_fds.h"

namespace rayx {
namespace {

using protocol::MessageType;

// Objects over a link of their own; what the whole client does with them is in client_test.cc.
class ObjectAccessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.Serve(false);
    auto stream = std::make_unique<FrameStream>(ScopedFd(node_.client_fd()));
    auto welcome = ShakeHands(stream.get(), {});
    ASSERT_TRUE(welcome.ok());
    link_ = std::make_shared<NodeLink>(
        std::move(stream), references_, [this](FrameStream* from, const Frame& frame) {
          return frame.type == static_cast<uint16_t>(MessageType::ObjectCreated)
                     ? objects_->OnObjectCreated(from, frame.payload)
                     : objects_->OnObjectsReady(frame.payload);
        });
    references_->set_flusher(link_);
    objects_ = std::make_unique<ObjectAccess>(
        link_.get(), references_,
        PoolReader(
            std::move(SharedMapping::Map(welcome->pool.get(), FakeNode::kPoolBytes, false)).value(),
            {}, references_));
  }
  static ObjectId IdOf(uint32_t index) { return ObjectId::ForReturn(TaskId(), index); }
  void PlaceInPool(uint64_t offset, const std::string& object) {
    std::memcpy(node_.pool() + offset, object.data(), object.size());
  }

  FakeNode node_;
  std::shared_ptr<ReferenceQueue> references_ = std::make_shared<ReferenceQueue>();
  std::shared_ptr<NodeLink> link_;
  std::unique_ptr<ObjectAccess> objects_;
};

TEST_F(ObjectAccessTest, PendingLargeResultIsPinnedAsSoonAsItComes) {
  const std::vector<ObjectId> ids{IdOf(0), IdOf(1)};
  objects_->AddResults(ids);
  node_.set_answering(false);
  const std::string object = MakeObject("large");
  PlaceInPool(64, object);
  std::thread node([&] {
    node_.PushInPool(ids[1], 0, 0, false);
    const FakeNode::Received get = node_.Next();
    EXPECT_EQ(FromWire(get.As<protocol::GetObjects>().ids()), std::vector<ObjectId>{ids[1]})
        << "not only when it is its turn";
    node_.PushInPool(ids[1], 64, object.size(), true);
    node_.PushInline(ids[0], MakeObject("small"));
  });
  const auto views = objects_->Get(ids, -1, false);
  node.join();
  ASSERT_TRUE(views.ok()) << views.status().ToString();
  EXPECT_EQ(ParseObject((*views)[1].bytes())->stream.size(), 5u);
}

TEST_F(ObjectAccessTest, AnIdWithoutObjectIdIsLetGoAfterTheGet) {
  node_.Store(IdOf(3), MakeObject("value"));
  const ObjectId id = IdOf(3);
  ASSERT_TRUE(objects_->Get({&id, 1}, -1, false).ok());
  link_->TryFlush();
  EXPECT_EQ(node_.Next().type, MessageType::GetObjects);
  const FakeNode::Received release = node_.Next();
  EXPECT_EQ(FromWire(release.As<protocol::ReleaseObjects>().unreferenced()),
            std::vector<ObjectId>{id});
}

TEST_F(ObjectAccessTest, UnwantedPinsGoBack) {
  const ObjectId wanted = IdOf(1);
  objects_->AddResults({&wanted, 1});
  node_.PushInPool(IdOf(5), 64, 10, true);
  node_.PushInline(wanted, MakeObject("comes after it"));
  ASSERT_TRUE(objects_->Get({&wanted, 1}, -1, false).ok());
  const FakeNode::Received release = node_.Next();
  ASSERT_EQ(release.type, MessageType::ReleaseObjects);
  EXPECT_EQ(FromWire(release.As<protocol::ReleaseObjects>().unpinned()),
            std::vector<ObjectId>{IdOf(5)});
}

TEST_F(ObjectAccessTest, WaitCountsOnlyAsManyAsAsked) {
  std::vector<ObjectId> ids;
  for (uint32_t i = 0; i < 4; ++i) ids.push_back(IdOf(i));
  objects_->AddResults(ids);
  node_.PushInline(ids[1], MakeObject("a"));
  node_.PushInline(ids[2], MakeObject("b"));
  EXPECT_EQ(*objects_->Wait(ids, 1, -1, false), (std::vector<bool>{false, true, false, false}));
  EXPECT_EQ(*objects_->Wait(ids, 2, -1, false), (std::vector<bool>{false, true, true, false}));
  EXPECT_EQ(*objects_->Wait(ids, 9, 0, false), (std::vector<bool>{false, true, true, false}));
  EXPECT_EQ(*objects_->Wait(ids, 0, -1, false), std::vector<bool>(4));
  EXPECT_TRUE(objects_->Wait({}, 1, -1, false)->empty());
  EXPECT_TRUE(objects_->Get({}, -1, false)->empty());
}

// Nobody has asked the node for these before, so what is there must be told before the time is
// over.
TEST_F(ObjectAccessTest, WithoutTimeToWaitTheNodeIsStillAsked) {
  node_.Store(IdOf(1), MakeObject("there"));
  node_.Store(IdOf(2), MakeObject("there too"));
  const std::vector<ObjectId> ids{IdOf(1), IdOf(3)};
  EXPECT_EQ(*objects_->Wait(ids, 2, 0, false), (std::vector<bool>{true, false}));
  EXPECT_TRUE(objects_->Get(std::vector<ObjectId>{IdOf(2)}, 0, false).ok());
  EXPECT_EQ(objects_->Get(std::vector<ObjectId>{IdOf(4)}, 0, false).status().code(),
            StatusCode::kTimedOut);
}

TEST_F(ObjectAccessTest, WithoutRoomForThePoolsDescriptorAPutFailsAndTheNextDoesNot) {
  const std::vector<uint8_t> content(100'000, 7);
  ObjectPieces value;
  value.stream = content;
  {
    const FewFds few(0);
    const Status status = objects_->Put(IdOf(0), value);
    EXPECT_EQ(status.code(), StatusCode::kIoError);
    EXPECT_NE(status.message().find("ulimit -n"), std::string::npos) << status.ToString();
  }
  EXPECT_FALSE(node_.Next().As<protocol::CreateObject>().again());
  EXPECT_EQ(node_.Next().type, MessageType::AbortObject);
  for (uint32_t i = 1; i < 3; ++i) {
    ASSERT_TRUE(objects_->Put(IdOf(i), value).ok());
    const FakeNode::Received create = node_.Next();
    ASSERT_EQ(create.type, MessageType::CreateObject);
    EXPECT_EQ(create.As<protocol::CreateObject>().again(), i == 1);
    EXPECT_EQ(node_.Next().type, MessageType::SealObject);
  }
}

// Large values are put where the node holds room ready, and only what fits there.
class ReservationTest : public ObjectAccessTest {
 protected:
  static constexpr uint64_t kBytes = 100000;
  void SetUp() override {
    ObjectAccessTest::SetUp();
    for (size_t i = 0; i < 2; ++i) {
      node_.OfferReservation(
          {kReservationsBegin + i * kRoomBytes, ReservationWords::ReservedBytes(RoomFor(kBytes))});
    }
    // The first one has to ask, and hears of the rooms.
    ASSERT_TRUE(Put(0, kBytes).ok());
    EXPECT_EQ(node_.Next().type, MessageType::CreateObject);
    EXPECT_EQ(node_.Next().type, MessageType::SealObject);
  }
  static uint64_t RoomFor(uint64_t bytes) { return PlanObject(Pieces(bytes)).total_bytes(); }
  static ObjectPieces Pieces(uint64_t bytes) {
    static const std::vector<uint8_t> content(1u << 20, 7);
    ObjectPieces value;
    value.stream = std::span(content).first(bytes);
    return value;
  }
  Status Put(uint32_t number, uint64_t bytes,
             ObjectAccess::Sending sending = ObjectAccess::Sending::kAtOnce, bool keep = true) {
    const ObjectPieces value = Pieces(bytes);
    return objects_->PutLarge(IdOf(number), PlanObject(value), value, sending, keep);
  }
  static constexpr uint64_t kReservationsBegin = 32u << 20;
  static constexpr uint64_t kRoomBytes = 1u << 20;
};

TEST_F(ReservationTest, IsFilledWithoutAsking) {
  for (uint32_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(Put(1 + i, kBytes).ok());
    const FakeNode::Received received = node_.Next();
    ASSERT_EQ(received.type, MessageType::PutReserved);
    const auto& put = received.As<protocol::PutReserved>();
    EXPECT_EQ(FromWire(*put.id()), IdOf(1 + i));
    EXPECT_EQ(put.offset(), kReservationsBegin + i * kRoomBytes);
    EXPECT_EQ(put.size(), RoomFor(kBytes));
    EXPECT_TRUE(put.keeps_reference());
    const ObjectId id = IdOf(1 + i);
    const auto views = objects_->Get({&id, 1}, -1, false);
    ASSERT_TRUE(views.ok());
    EXPECT_EQ(ParseObject((*views)[0].bytes())->stream.size(), kBytes);
    EXPECT_EQ(node_.Next().type, MessageType::GetObjects);
  }
  ASSERT_TRUE(Put(3, kBytes).ok());
  EXPECT_EQ(node_.Next().type, MessageType::CreateObject) << "none is left";
}

// The rooms' memory came with an answer that this process had no room for.
TEST_F(ObjectAccessTest, WithoutRoomForTheRoomsDescriptorTheyComeWithTheNextAnswer) {
  const std::vector<uint8_t> content(100'000, 7);
  ObjectPieces value;
  value.stream = content;
  ASSERT_TRUE(objects_->Put(IdOf(0), value).ok());
  node_.OfferReservation(
      {32u << 20, ReservationWords::ReservedBytes(PlanObject(value).total_bytes())});
  {
    const FewFds few(0);
    ASSERT_TRUE(objects_->Put(IdOf(1), value).ok()) << "it has the pool already";
  }
  ASSERT_TRUE(objects_->Put(IdOf(2), value).ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(node_.Next().type, MessageType::CreateObject);
    EXPECT_EQ(node_.Next().type, MessageType::SealObject);
  }
  ASSERT_TRUE(objects_->Put(IdOf(3), value).ok());
  EXPECT_EQ(node_.Next().type, MessageType::PutReserved);
}

TEST_F(ReservationTest, OtherSizesAsk) {
  ASSERT_TRUE(Put(1, kBytes + 64).ok());
  EXPECT_EQ(node_.Next().type, MessageType::CreateObject);
  EXPECT_EQ(node_.Next().type, MessageType::SealObject);
  ASSERT_TRUE(Put(2, kBytes).ok());
  EXPECT_EQ(node_.Next().type, MessageType::PutReserved);
}

TEST_F(ReservationTest, HeldItGoesWithWhatComesNext) {
  ASSERT_TRUE(Put(1, kBytes, ObjectAccess::Sending::kHeld, /*keep=*/false).ok());
  EXPECT_EQ(node_.pending(), 0u);
  ASSERT_TRUE(objects_->Put(IdOf(2), Pieces(10)).ok());
  link_->TryFlush();
  const FakeNode::Received received = node_.Next();
  ASSERT_EQ(received.type, MessageType::PutReserved);
  EXPECT_FALSE(received.As<protocol::PutReserved>().keeps_reference());
  EXPECT_EQ(node_.Next().type, MessageType::PutObject);
}

TEST_F(ReservationTest, OneOutsideThePoolIsRefused) {
  ASSERT_TRUE(Put(1, kBytes).ok());
  ASSERT_TRUE(Put(2, kBytes).ok());
  node_.OfferReservation(
      {FakeNode::kPoolBytes - 4096, ReservationWords::ReservedBytes(RoomFor(kBytes))});
  EXPECT_EQ(Put(3, kBytes).code(), StatusCode::kProtocolError);
}

TEST_F(ObjectAccessTest, ASmallObjectThatHoldsIdsIsDroppedAtOnce) {
  ObjectPieces value;
  const ObjectId plain = IdOf(1);
  ASSERT_TRUE(objects_->Put(plain, value).ok());
  const ObjectId inner = IdOf(2);
  value.contained = {inner};
  const ObjectId holder = IdOf(3);
  ASSERT_TRUE(objects_->Put(holder, value).ok());
  objects_->RemoveReference(plain);
  EXPECT_EQ(node_.pending(), 0u);
  objects_->RemoveReference(holder);
  EXPECT_EQ(node_.Next().type, MessageType::PutObject);
  EXPECT_EQ(node_.Next().type, MessageType::PutObject);
  const FakeNode::Received release = node_.Next();
  ASSERT_EQ(release.type, MessageType::ReleaseObjects);
  EXPECT_EQ(FromWire(release.As<protocol::ReleaseObjects>().unreferenced()),
            (std::vector<ObjectId>{plain, holder}));
}

}  // namespace
}  // namespace rayx
