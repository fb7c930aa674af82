#include "client/link/node_link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "common/io/socket.h"

namespace rayx {
namespace {

class NodeLinkTest : public ::testing::Test {
 protected:
  NodeLinkTest() {
    auto [ours, theirs] = std::move(SocketPair()).value();
    peer_ = std::make_unique<FrameStream>(std::move(theirs));
    link_ = std::make_shared<NodeLink>(std::make_unique<FrameStream>(std::move(ours)), references_,
                                       [this](FrameStream*, const Frame& frame) {
                                         if (frame.type == 99) return Status::ProtocolError("99");
                                         types_.push_back(frame.type);
                                         return Status::Ok();
                                       });
    references_->set_flusher(link_);
  }
  // Reads until a frame has come.
  uint16_t PeerReads() {
    while (true) {
      const auto frame = peer_->Next();
      if (!frame.ok()) return 0;
      if (*frame) return (*frame)->type;
      (void)peer_->Wait(true, false, 10000);
      if (!peer_->ReadSome().ok()) return 0;
    }
  }

  std::shared_ptr<ReferenceQueue> references_ = std::make_shared<ReferenceQueue>();
  std::unique_ptr<FrameStream> peer_;
  std::vector<uint16_t> types_;
  std::shared_ptr<NodeLink> link_;
};

TEST_F(NodeLinkTest, SendsReferencesFirst) {
  references_->Add(ObjectId());
  ASSERT_TRUE(link_->Send(7, {}).ok());
  EXPECT_EQ(PeerReads(), 38);  // AddReferences
  EXPECT_EQ(PeerReads(), 7);
  references_->Drop(ObjectId());
  references_->Nudge(true);
  EXPECT_EQ(PeerReads(), 37);  // ReleaseObjects
}

TEST_F(NodeLinkTest, WhatIsHeldGoesBeforeTheNextFrame) {
  references_->Add(ObjectId());
  ASSERT_TRUE(link_->Hold(7, {}).ok());
  EXPECT_FALSE(peer_->Wait(true, false, 0)->readable);
  ASSERT_TRUE(link_->Send(8, {}).ok());
  EXPECT_EQ(PeerReads(), 38) << "AddReferences";
  EXPECT_EQ(PeerReads(), 7);
  EXPECT_EQ(PeerReads(), 8);
}

TEST_F(NodeLinkTest, WhatIsHeldGoesWhenSomebodyWaits) {
  NodeLink::Lock lock = link_->LockState();
  for (const bool polls : {false, true}) {
    lock.unlock();
    ASSERT_TRUE(link_->Hold(7, {}).ok());
    lock.lock();
    if (polls) {
      ASSERT_TRUE(link_->Poll(&lock).ok());
    } else {
      (void)link_->Wait(&lock, Deadline::After(1), 50, [] { return false; });
    }
    EXPECT_EQ(PeerReads(), 7);
  }
}

TEST_F(NodeLinkTest, NoMoreIsHeldThanPaysOff) {
  const std::vector<uint8_t> payload(1000);
  int held = 0;
  while (!peer_->Wait(true, false, 0)->readable && held < 1000) {
    ASSERT_TRUE(link_->Hold(7, payload).ok());
    ++held;
  }
  EXPECT_LT(held, 40);
  for (int i = 0; i < held; ++i) EXPECT_EQ(PeerReads(), 7);
}

TEST_F(NodeLinkTest, NothingIsHeldOnceTheConnectionIsLost) {
  link_->Close();
  EXPECT_EQ(link_->Hold(7, {}).code(), StatusCode::kDisconnected);
}

TEST_F(NodeLinkTest, WaitsForFrames) {
  NodeLink::Lock lock = link_->LockState();
  EXPECT_EQ(link_->Wait(&lock, Deadline::After(1), 50, [&] { return !types_.empty(); }).code(),
            StatusCode::kTimedOut);
  ASSERT_TRUE(peer_->SendAll(5, {}).ok());
  EXPECT_TRUE(link_->Wait(&lock, Deadline::After(0), 50, [&] { return !types_.empty(); }).ok())
      << "what has arrived is in time";
  ASSERT_TRUE(peer_->SendAll(6, {}).ok());
  EXPECT_TRUE(link_->Poll(&lock).ok());
  EXPECT_EQ(types_, (std::vector<uint16_t>{5, 6}));
}

TEST_F(NodeLinkTest, OneReadsForAll) {
  std::vector<std::thread> threads;
  for (uint16_t type = 1; type <= 8; ++type) {
    threads.emplace_back([this, type] {
      NodeLink::Lock lock = link_->LockState();
      const auto mine = [&] {
        return std::find(types_.begin(), types_.end(), type) != types_.end();
      };
      EXPECT_TRUE(link_->Wait(&lock, Deadline(), 5, mine).ok());
    });
  }
  for (uint16_t type = 8; type >= 1; --type) ASSERT_TRUE(peer_->SendAll(type, {}).ok());
  for (std::thread& thread : threads) thread.join();
}

TEST_F(NodeLinkTest, TwoFullSocketsDoNotWaitForEachOther) {
  // The peer sends until its socket is full and reads only then; so do we.
  const std::vector<uint8_t> payload(1u << 20);
  constexpr int kFrames = 8;
  std::thread peer([&] {
    for (int i = 0; i < kFrames; ++i) EXPECT_TRUE(peer_->SendAll(5, payload).ok());
    for (int i = 0; i < kFrames; ++i) EXPECT_EQ(PeerReads(), 6);
  });
  for (int i = 0; i < kFrames; ++i) ASSERT_TRUE(link_->Send(6, payload).ok());
  NodeLink::Lock lock = link_->LockState();
  EXPECT_TRUE(link_->Wait(&lock, Deadline(), 50, [&] { return types_.size() == kFrames; }).ok());
  lock.unlock();
  peer.join();
}

TEST_F(NodeLinkTest, ABrokenPeerEndsTheLink) {
  ASSERT_TRUE(peer_->SendAll(5, {}).ok());
  ASSERT_TRUE(peer_->SendAll(99, {}).ok());
  NodeLink::Lock lock = link_->LockState();
  const Status status = link_->Wait(&lock, Deadline(), 50, [&] { return false; });
  EXPECT_EQ(status.code(), StatusCode::kDisconnected);
  EXPECT_EQ(types_, std::vector<uint16_t>{5}) << "what came before counts";
  lock.unlock();
  EXPECT_EQ(link_->Send(1, {}).code(), StatusCode::kDisconnected);
}

TEST_F(NodeLinkTest, TooLargeAFrameIsRefusedAndHarmsNothing) {
  const std::vector<uint8_t> payload((64u << 20) + 1);
  EXPECT_EQ(link_->Send(1, payload).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(link_->Send(2, {}).ok());
  EXPECT_EQ(PeerReads(), 2);
}

TEST_F(NodeLinkTest, WhatCameBeforeTheEndIsInTime) {
  ASSERT_TRUE(peer_->SendAll(5, {}).ok());
  peer_.reset();
  NodeLink::Lock lock = link_->LockState();
  EXPECT_TRUE(link_->Wait(&lock, Deadline::After(0), 50, [&] { return !types_.empty(); }).ok());
  EXPECT_EQ(link_->Wait(&lock, Deadline::After(0), 50, [] { return false; }).code(),
            StatusCode::kDisconnected);
}

TEST_F(NodeLinkTest, ANodeThatRestsIsWokenUnlessNobodyWaits) {
  const auto memory = std::make_shared<ClaimWord>(std::move(ClaimWord::Create()).value());
  link_->policy().SetDoorbell(memory, std::move(CreateDoorbell()).value());
  uint32_t seen = 0;
  const auto was_rung = [&] {
    const uint32_t before = seen;
    memory->doorbell().SleepUntilRung(WakeSet(), 1, &seen);
    return seen != before;
  };
  ASSERT_TRUE(link_->Send(7, {}, NodeLink::Urgency::kSoon).ok());
  EXPECT_FALSE(was_rung());
  ASSERT_TRUE(link_->Send(7, {}).ok());
  EXPECT_TRUE(was_rung());
  ASSERT_TRUE(link_->Hold(7, {}).ok());
  EXPECT_FALSE(was_rung());
}

TEST_F(NodeLinkTest, CloseSendsWhatIsQueued) {
  references_->Drop(ObjectId());
  link_->Close();
  EXPECT_EQ(PeerReads(), 37);
  EXPECT_EQ(PeerReads(), 0);
  EXPECT_EQ(link_->fd(), -1);
}

}  // namespace
}  // namespace rayx
