#include "common/io/stream_bridge.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/io/socket.h"

namespace rayx {
namespace {

class StreamBridgeTest : public testing::Test {
 protected:
  StreamBridgeTest() {
    auto left = std::move(SocketPair()).value();
    auto right = std::move(SocketPair()).value();
    for (const ScopedFd* end : {&left.first, &left.second, &right.first, &right.second}) {
      EXPECT_TRUE(SetNonBlocking(end->get(), true).ok());
    }
    left_ = std::move(left.first);
    right_ = std::move(right.first);
    bridge_ = std::make_unique<StreamBridge>(
        &loop_,
        StreamBridge::Side{.stream = std::make_unique<UnixStream>(std::move(left.second)),
                           .name = "the left one"},
        StreamBridge::Side{.stream = std::make_unique<UnixStream>(std::move(right.second)),
                           .name = "the right one"},
        [this](const Status& reason) { ends_.push_back(reason.message()); });
  }

  // Runs turns until that is so.
  template <typename Condition>
  void RunUntil(Condition condition) {
    bool late = false;
    const auto limit = loop_.CallAt(loop_.now_ms() + 20'000, [&late] { late = true; });
    loop_.Run([&] {
      if (late || condition()) loop_.Stop();
      loop_.Post([] {});
      return false;
    });
    ASSERT_FALSE(late);
  }
  static std::string Received(const ScopedFd& end) {
    std::vector<uint8_t> room(1u << 20);
    const Result<ReadOutcome> outcome = ReadWithFds(end.get(), room);
    if (!outcome.ok()) return "";
    return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(outcome->bytes)};
  }
  static size_t Write(const ScopedFd& end, const std::string& text) {
    return *WriteWithFds(end.get(), {reinterpret_cast<const uint8_t*>(text.data()), text.size()},
                         {});
  }

  EventLoop loop_;
  ScopedFd left_;
  ScopedFd right_;
  std::unique_ptr<StreamBridge> bridge_;
  std::vector<std::string> ends_;
};

TEST_F(StreamBridgeTest, BytesPassBothWays) {
  Write(left_, "from the left");
  Write(right_, "from the right");
  std::string at_left;
  std::string at_right;
  RunUntil([&] {
    at_left += Received(left_);
    at_right += Received(right_);
    return at_left == "from the right" && at_right == "from the left";
  });
  EXPECT_TRUE(ends_.empty());
}

TEST_F(StreamBridgeTest, AnEndThatClosesClosesTheOther) {
  right_.Reset();
  RunUntil([&] { return !ends_.empty(); });
  EXPECT_EQ(ends_, std::vector<std::string>{"the right one has closed"});
  std::vector<uint8_t> room(16);
  const Result<ReadOutcome> outcome = ReadWithFds(left_.get(), room);
  EXPECT_TRUE(outcome.ok() && !outcome->would_block && outcome->bytes == 0);
}

TEST_F(StreamBridgeTest, ItIsToldOnceWhyItWasClosed) {
  bridge_->Close(Status::Disconnected("declared dead"));
  bridge_->Close(Status::Disconnected("again"));
  EXPECT_TRUE(ends_.empty()) << "not from inside";
  RunUntil([&] { return !ends_.empty(); });
  left_.Reset();
  int turns = 0;
  RunUntil([&] { return ++turns > 10; });
  EXPECT_EQ(ends_, std::vector<std::string>{"declared dead"});
}

TEST_F(StreamBridgeTest, WhoDoesNotReadHoldsTheOtherUpAndLosesNothing) {
  const std::string piece(100'000, 'x');
  size_t taken = 0;
  int idle_turns = 0;
  RunUntil([&] {
    const size_t wrote = Write(left_, piece);
    taken += wrote;
    idle_turns = wrote == 0 ? idle_turns + 1 : 0;
    return idle_turns > 100;
  });
  EXPECT_GT(taken, limits::kStreamBridgeBytesMax);
  EXPECT_LT(taken, 4 * limits::kStreamBridgeBytesMax);
  size_t received = 0;
  RunUntil([&] {
    received += Received(right_).size();
    return received == taken;
  });
}

}  // namespace
}  // namespace rayx
