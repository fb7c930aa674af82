#include "client/object_access.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "client/fake_node.h"
#include "client/handshake.h"
#include "client/message.h"
#include "common/protocol/wire_ids.h"

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
            references_));
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
