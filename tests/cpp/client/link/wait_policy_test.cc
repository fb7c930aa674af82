#include "client/link/wait_policy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <tuple>
#include <utility>

#include "common/io/socket.h"
#include "common/os/clock.h"

namespace rayx {
namespace {

class WaitPolicyTest : public ::testing::Test {
 protected:
  WaitPolicyTest() { std::tie(ours_, theirs_) = std::move(SocketPair()).value(); }
  // Whether the node would be kept from sleeping by what has been rung.
  bool WasRung() {
    const uint32_t before = seen_;
    memory_->doorbell().SleepUntilRung(WakeSet(), 1, &seen_);
    return seen_ != before;
  }
  // How long it takes to wait for the quick peer in vain.
  int64_t WaitInVainUs(int64_t timeout_ms) {
    PollSet set;
    const size_t quick = set.Add(ours_.get(), {.read = true});
    const int64_t begin_us = MonotonicUs();
    EXPECT_TRUE(policy_.Wait(&set, quick, timeout_ms).ok());
    EXPECT_FALSE(set.any());
    return MonotonicUs() - begin_us;
  }

  WaitPolicy policy_;
  std::shared_ptr<ClaimWord> memory_ =
      std::make_shared<ClaimWord>(std::move(ClaimWord::Create()).value());
  ScopedFd ours_;
  ScopedFd theirs_;
  uint32_t seen_ = 0;
};

TEST_F(WaitPolicyTest, TheDoorbellKeepsTheNodeAwake) {
  policy_.Ring();  // there is none
  EXPECT_FALSE(WasRung());
  policy_.SetDoorbell(memory_, std::move(CreateDoorbell()).value());
  policy_.Ring();
  EXPECT_TRUE(WasRung());
  EXPECT_FALSE(WasRung());
}

TEST_F(WaitPolicyTest, LooksOnlyWhileTheNodeAllowsItAndIsNotAsked) {
  memory_->AllowSpinning(true);
  policy_.SetDoorbell(memory_, ScopedFd());
  for (const bool node_is_asked : {false, true}) {
    node_is_asked ? policy_.OnNodeAsked() : policy_.OnPeerAsked();
    PollSet set;
    const size_t quick = set.Add(ours_.get(), {.read = true});
    ASSERT_EQ(::write(theirs_.get(), "x", 1), 1);
    ASSERT_TRUE(policy_.Wait(&set, quick, -1).ok());
    EXPECT_TRUE(set.readable(quick));
    char byte = 0;
    ASSERT_EQ(::read(ours_.get(), &byte, 1), 1);
  }
  // In vain it sleeps after the look, for as long as it should.
  policy_.OnPeerAsked();
  EXPECT_GE(WaitInVainUs(2), 2000);
  EXPECT_GE(WaitInVainUs(2), 2000) << "the next one is slept through";
  memory_->AllowSpinning(false);
  EXPECT_GE(WaitInVainUs(2), 2000);
}

TEST_F(WaitPolicyTest, WhoDoesNotWaitDoesNotLook) {
  memory_->AllowSpinning(true);
  policy_.SetDoorbell(memory_, ScopedFd());
  int64_t least_us = Spin::kQuickUs;
  for (int i = 0; i < 100; ++i) least_us = std::min(least_us, WaitInVainUs(0));
  EXPECT_LT(least_us, Spin::kQuickUs);
}

TEST_F(WaitPolicyTest, AnswersThatComeAtOnceAreHeard) {
  memory_->AllowSpinning(true);
  policy_.SetDoorbell(memory_, ScopedFd());
  constexpr int kRounds = 200;
  std::thread peer([this] {
    char byte = 0;
    for (int i = 0; i < kRounds; ++i) {
      if (::read(theirs_.get(), &byte, 1) != 1 || ::write(theirs_.get(), &byte, 1) != 1) return;
    }
  });
  char byte = 0;
  for (int i = 0; i < kRounds; ++i) {
    policy_.OnPeerAsked();
    ASSERT_EQ(::write(ours_.get(), "x", 1), 1);
    PollSet set;
    const size_t quick = set.Add(ours_.get(), {.read = true});
    ASSERT_TRUE(policy_.Wait(&set, quick, 10'000).ok());
    ASSERT_TRUE(set.readable(quick)) << i;
    ASSERT_EQ(::read(ours_.get(), &byte, 1), 1);
  }
  peer.join();
}

}  // namespace
}  // namespace rayx
