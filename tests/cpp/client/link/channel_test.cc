#include "client/link/channel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/io/socket.h"

namespace rayx {
namespace {

constexpr auto kNoRoom = [] { return Status::IoError("full"); };

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    auto [ours, theirs] = std::move(SocketPair()).value();
    peer_ = std::make_unique<FrameStream>(std::move(theirs));
    channel_ = std::make_unique<Channel>(
        std::make_unique<FrameStream>(std::move(ours)), references_,
        Channel::Handler{.on_frame =
                             [this](FrameStream*, const Frame& frame) {
                               types_.push_back(frame.type);
                               if (frame.type == 98) channel_->Drop();
                               return frame.type == 99 ? Status::ProtocolError("99") : Status::Ok();
                             },
                         .on_lost = [this](const Status& reason) { lost_.push_back(reason); }},
        Channel::Answers::kInTime);
  }
  // Frames that have been written so far.
  std::vector<uint16_t> PeerReads() {
    std::vector<uint16_t> types;
    while (peer_->Wait(true, false, 0)->readable && peer_->ReadSome().ok()) {
      while (true) {
        const auto frame = peer_->Next();
        if (!frame.ok() || !*frame) break;
        types.push_back((*frame)->type);
      }
    }
    return types;
  }
  Status Read() {
    const Status read = channel_->ReadSome();
    const std::lock_guard lock(state_);
    return channel_->HandleFrames(read);
  }

  std::mutex state_;
  std::shared_ptr<ReferenceQueue> references_ = std::make_shared<ReferenceQueue>();
  std::unique_ptr<FrameStream> peer_;
  std::unique_ptr<Channel> channel_;
  std::vector<uint16_t> types_;
  std::vector<Status> lost_;
};

TEST_F(ChannelTest, WhatIsAppendedGoesBeforeWhatIsSentAndReferencesBeforeBoth) {
  references_->Add(ObjectId());
  EXPECT_TRUE(channel_->Append(7, {}, 1000));
  EXPECT_EQ(PeerReads(), std::vector<uint16_t>());
  EXPECT_TRUE(channel_->HasUnsent());
  references_->Drop(ObjectId());
  ASSERT_TRUE(channel_->Send(8, {}, kNoRoom).ok());
  EXPECT_EQ(PeerReads(), (std::vector<uint16_t>{38, 7, 37, 8}));  // AddReferences, ReleaseObjects
  EXPECT_FALSE(channel_->HasUnsent());
}

TEST_F(ChannelTest, TooMuchIsNotAppended) {
  const std::vector<uint8_t> payload(600);
  EXPECT_TRUE(channel_->Append(7, payload, 1000));
  EXPECT_FALSE(channel_->Append(8, payload, 1000));
  channel_->TryFlush();
  EXPECT_EQ(PeerReads(), std::vector<uint16_t>{7});
}

TEST_F(ChannelTest, WhatDoesNotFitWaitsForRoomAndStaysWholeIfItIsLeftOver) {
  const std::vector<uint8_t> payload(4u << 20);
  int waits = 0;
  const Status sent = channel_->Send(7, payload, [&] {
    ++waits;
    return waits < 3 ? Status::Ok() : Status::Interrupted("a signal");
  });
  EXPECT_EQ(sent.code(), StatusCode::kInterrupted);
  EXPECT_EQ(waits, 3);
  EXPECT_GT(channel_->unsent_bytes(), 0u);
  std::vector<uint16_t> read;
  while (channel_->unsent_bytes() > 0) {
    for (const uint16_t type : PeerReads()) read.push_back(type);
    channel_->TryFlush();
  }
  for (const uint16_t type : PeerReads()) read.push_back(type);
  EXPECT_EQ(read, std::vector<uint16_t>{7});
}

// A destructor that runs in the midst of sending must neither hang nor write into the frame.
TEST_F(ChannelTest, WhoFlushesWhileItSendsIsServedAfterwards) {
  const std::vector<uint8_t> payload(4u << 20);
  std::vector<uint16_t> read;
  const Status sent = channel_->Send(7, payload, [&] {
    references_->Drop(ObjectId());
    channel_->TryFlush();
    for (const uint16_t type : PeerReads()) read.push_back(type);
    return Status::Ok();
  });
  ASSERT_TRUE(sent.ok());
  for (const uint16_t type : PeerReads()) read.push_back(type);
  ASSERT_GE(read.size(), 2u);
  EXPECT_EQ(read[0], 7);
  EXPECT_EQ(read[1], 37) << "ReleaseObjects, though nobody sends any more";
}

TEST_F(ChannelTest, ManyMaySendAtATime) {
  std::atomic<int> received{0};
  std::thread reader([&] {
    while (received.load() < 400) {
      (void)peer_->Wait(true, false, 10'000);
      received.fetch_add(static_cast<int>(PeerReads().size()));
    }
  });
  std::vector<std::thread> senders;
  for (int i = 0; i < 4; ++i) {
    senders.emplace_back([&] {
      const std::vector<uint8_t> payload(5000);
      for (int n = 0; n < 100; ++n) {
        EXPECT_TRUE(channel_->Send(7, payload, [] { return Status::Ok(); }).ok());
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  reader.join();
  EXPECT_EQ(received.load(), 400);
}

TEST_F(ChannelTest, ALostOneHandsOutWhatItHasReadAndTellsOnce) {
  ASSERT_TRUE(peer_->SendAll(5, {}).ok());
  ASSERT_TRUE(Read().ok());
  ASSERT_TRUE(peer_->SendAll(6, {}).ok());
  ASSERT_TRUE(channel_->ReadSome().ok());
  channel_->Lose(Status::Disconnected("first"));
  channel_->Lose(Status::Disconnected("second"));
  EXPECT_TRUE(channel_->HandleFrames(Status::Ok()).ok());
  EXPECT_EQ(types_, (std::vector<uint16_t>{5, 6}));
  ASSERT_EQ(lost_.size(), 1u);
  EXPECT_EQ(lost_[0].message(), "first");
  EXPECT_EQ(channel_->Send(1, {}, kNoRoom).code(), StatusCode::kDisconnected);
  EXPECT_FALSE(channel_->Append(1, {}, 1000));
  channel_->TryFlush();
  channel_->Close();
  EXPECT_EQ(channel_->fd(), -1);
}

TEST_F(ChannelTest, AHandlerThatFailsLosesIt) {
  for (const uint16_t type : std::vector<uint16_t>{5, 99, 6})
    ASSERT_TRUE(peer_->SendAll(type, {}).ok());
  EXPECT_EQ(Read().code(), StatusCode::kProtocolError);
  EXPECT_EQ(types_, (std::vector<uint16_t>{5, 99}));
  EXPECT_EQ(lost_.size(), 1u);
}

TEST_F(ChannelTest, ADroppedOneSaysNothingMore) {
  for (const uint16_t type : std::vector<uint16_t>{98, 5})
    ASSERT_TRUE(peer_->SendAll(type, {}).ok());
  EXPECT_TRUE(Read().ok());
  EXPECT_EQ(types_, std::vector<uint16_t>{98});
  EXPECT_FALSE(Read().ok()) << "it is shut down";
  EXPECT_EQ(types_, std::vector<uint16_t>{98});
  EXPECT_TRUE(lost_.empty());
  EXPECT_FALSE(peer_->SendAll(5, {}).ok()) << "the peer has noticed";
}

}  // namespace
}  // namespace rayx
