#include "client/tasks/direct_channel.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "common/io/socket.h"

namespace rayx {
namespace {

class DirectChannelTest : public ::testing::Test {
 protected:
  DirectChannelTest() {
    auto [ours, theirs] = std::move(SocketPair()).value();
    node_ = std::make_unique<FrameStream>(std::move(theirs));
    link_ = std::make_shared<NodeLink>(std::make_unique<FrameStream>(std::move(ours)),
                                       std::make_shared<ReferenceQueue>(),
                                       [this](FrameStream*, const Frame&) {
                                         from_node_ = true;
                                         return Status::Ok();
                                       });
    channel_ = std::make_unique<DirectChannel>(
        link_.get(), DirectChannel::Handler{.on_frame =
                                                [this](const Frame& frame) {
                                                  types_.push_back(frame.type);
                                                  return frame.type == 99
                                                             ? Status::ProtocolError("99")
                                                             : Status::Ok();
                                                },
                                            .on_lost = [this] { ++lost_; }});
  }
  std::unique_ptr<FrameStream> Open() {
    auto [ours, theirs] = std::move(SocketPair()).value();
    const NodeLink::Lock lock = link_->LockState();
    channel_->Open(std::move(ours), memory_, ScopedFd());
    return std::make_unique<FrameStream>(std::move(theirs));
  }
  bool Comes(const std::function<bool()>& what) {
    NodeLink::Lock lock = link_->LockState();
    return link_->Wait(&lock, Deadline::After(10'000), 50, what).ok();
  }

  bool from_node_ = false;
  std::vector<uint16_t> types_;
  int lost_ = 0;
  std::shared_ptr<ClaimWord> memory_ =
      std::make_shared<ClaimWord>(std::move(ClaimWord::Create()).value());
  std::unique_ptr<FrameStream> node_;
  std::shared_ptr<NodeLink> link_;
  std::unique_ptr<DirectChannel> channel_;
};

TEST_F(DirectChannelTest, FramesGoBothWays) {
  EXPECT_FALSE(channel_->Send(7, {})) << "there is none";
  const auto peer = Open();
  ASSERT_TRUE(channel_->Send(7, {}));
  ASSERT_TRUE(peer->Wait(true, false, 10'000)->readable);
  ASSERT_TRUE(peer->SendAll(8, {}).ok());
  EXPECT_TRUE(Comes([&] { return types_ == std::vector<uint16_t>{8}; }));
}

TEST_F(DirectChannelTest, AnotherTakesItsPlace) {
  const auto first = Open();
  const auto second = Open();
  ASSERT_TRUE(first->Wait(true, false, 10'000)->readable);
  EXPECT_EQ(first->ReadSome().code(), StatusCode::kDisconnected);
  ASSERT_TRUE(second->SendAll(8, {}).ok());
  EXPECT_TRUE(Comes([&] { return types_ == std::vector<uint16_t>{8}; }));
  EXPECT_EQ(lost_, 0);
}

TEST_F(DirectChannelTest, ItsEndIsToldOnceAndHarmsNobody) {
  for (const bool breaks : {false, true}) {
    lost_ = 0;
    auto peer = Open();
    breaks ? (void)peer->SendAll(99, {}) : peer.reset();
    EXPECT_TRUE(Comes([&] { return lost_ == 1; }));
    EXPECT_FALSE(channel_->Send(7, {}));
  }
  ASSERT_TRUE(node_->SendAll(5, {}).ok());
  EXPECT_TRUE(Comes([&] { return from_node_; }));
  EXPECT_EQ(lost_, 1);
}

TEST_F(DirectChannelTest, OneThatTakesNoMoreIsBroken) {
  const auto peer = Open();
  const std::vector<uint8_t> payload(8u << 20);
  EXPECT_FALSE(channel_->Send(7, payload));
  EXPECT_TRUE(Comes([&] { return lost_ == 1; }));
}

TEST_F(DirectChannelTest, WhoClosesItIsNotTold) {
  const auto peer = Open();
  {
    const NodeLink::Lock lock = link_->LockState();
    channel_->Close();
    channel_->Close();
  }
  ASSERT_TRUE(peer->Wait(true, false, 10'000)->readable);
  EXPECT_FALSE(channel_->Send(7, {}));
  EXPECT_EQ(lost_, 0);
}

}  // namespace
}  // namespace rayx
