#include "client/link/leader_wait.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "common/io/socket.h"
#include "common/os/clock.h"

namespace rayx {
namespace {

class LeaderWaitTest : public ::testing::Test {
 protected:
  LeaderWaitTest() {
    channel_ = MakeChannel(&peer_, &types_, Channel::Answers::kInTime);
    const LeaderWait::Lock lock = waits_.LockState();
    waits_.Add(channel_);
  }
  // What comes over it goes to `types`; 99 is an error, and 98 wants something to be done.
  std::shared_ptr<Channel> MakeChannel(std::unique_ptr<FrameStream>* peer,
                                       std::vector<uint16_t>* types, Channel::Answers answers) {
    auto [ours, theirs] = std::move(SocketPair()).value();
    *peer = std::make_unique<FrameStream>(std::move(theirs));
    const auto on_frame = [this, types](FrameStream*, const Frame& frame) {
      types->push_back(frame.type);
      if (frame.type == 98) waits_.RunUnlocked([this] { RunAction(); });
      return frame.type == 99 ? Status::ProtocolError("99") : Status::Ok();
    };
    const auto on_lost = [this](const Status&) { ++lost_; };
    return std::make_shared<Channel>(std::make_unique<FrameStream>(std::move(ours)), nullptr,
                                     Channel::Handler{.on_frame = on_frame, .on_lost = on_lost},
                                     answers);
  }
  void RunAction() {
    // Both would hang if it was not let go.
    const LeaderWait::Lock lock = waits_.LockState();
    ++actions_;
  }
  Status WaitFor(int64_t timeout_ms, const std::function<bool()>& ready) {
    LeaderWait::Lock lock = waits_.LockState();
    return waits_.Wait(&lock, Deadline::After(timeout_ms), 50, ready);
  }
  bool CanBeRead() {
    pollfd entry = {.fd = waits_.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, 0) == 1;
  }

  WaitPolicy policy_;
  LeaderWait waits_{&policy_};
  std::unique_ptr<FrameStream> peer_;
  std::shared_ptr<Channel> channel_;
  std::vector<uint16_t> types_;
  int lost_ = 0;
  int actions_ = 0;
};

// --- several channels ---

class TwoChannelsTest : public LeaderWaitTest {
 protected:
  TwoChannelsTest() {
    other_ = MakeChannel(&other_peer_, &other_types_, Channel::Answers::kAtOnce);
    memory_->AllowSpinning(true);
    policy_.SetDoorbell(memory_, ScopedFd());
    const LeaderWait::Lock lock = waits_.LockState();
    waits_.Add(other_);
  }

  std::shared_ptr<ClaimWord> memory_ =
      std::make_shared<ClaimWord>(std::move(ClaimWord::Create()).value());
  std::unique_ptr<FrameStream> other_peer_;
  std::shared_ptr<Channel> other_;
  std::vector<uint16_t> other_types_;
};

TEST_F(TwoChannelsTest, BothAreRead) {
  EXPECT_FALSE(CanBeRead());
  ASSERT_TRUE(other_peer_->SendAll(6, {}).ok());
  EXPECT_TRUE(CanBeRead());
  ASSERT_TRUE(peer_->SendAll(5, {}).ok());
  EXPECT_TRUE(WaitFor(10'000, [&] { return !types_.empty() && !other_types_.empty(); }).ok());
  EXPECT_FALSE(CanBeRead());
}

TEST_F(TwoChannelsTest, EachRoundWithAQuickPeerIsHeard) {
  constexpr size_t kRounds = 200;
  std::thread worker([this] {
    for (size_t i = 0; i < kRounds; ++i) {
      (void)other_peer_->Wait(true, false, 10'000);
      if (!other_peer_->ReadSome().ok() || !other_peer_->SendAll(14, {}).ok()) return;
    }
  });
  for (size_t i = 1; i <= kRounds; ++i) {
    policy_.OnPeerAsked();
    ASSERT_TRUE(other_->Send(15, {}, [] { return Status::IoError("full"); }).ok());
    ASSERT_TRUE(WaitFor(10'000, [&] { return other_types_.size() == i; }).ok()) << i;
  }
  worker.join();
}

TEST_F(TwoChannelsTest, WhatTheNodeSaysMeanwhileIsHeard) {
  ASSERT_TRUE(peer_->SendAll(5, {}).ok());
  EXPECT_TRUE(WaitFor(10'000, [&] { return !types_.empty(); }).ok());
}

TEST_F(TwoChannelsTest, WhatDoesNotComeIsWaitedForAsleepAndInVain) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(WaitFor(2, [] { return false; }).code(), StatusCode::kTimedOut);
  }
}

TEST_F(TwoChannelsTest, ThePeersEndIsNoticedAndEndsNoWait) {
  other_peer_.reset();
  EXPECT_TRUE(WaitFor(10'000, [&] { return lost_ == 1; }).ok());
  ASSERT_TRUE(peer_->SendAll(5, {}).ok());
  {
    const LeaderWait::Lock lock = waits_.LockState();
    waits_.Remove(other_);
  }
  EXPECT_TRUE(WaitFor(10'000, [&] { return !types_.empty(); }).ok());
}

TEST_F(TwoChannelsTest, WhatIsRemovedIsNotReadAndItsPlaceIsFree) {
  ASSERT_TRUE(other_peer_->SendAll(6, {}).ok());
  std::unique_ptr<FrameStream> third_peer;
  {
    const LeaderWait::Lock lock = waits_.LockState();
    waits_.Remove(other_);
    waits_.Remove(other_);
    waits_.Add(MakeChannel(&third_peer, &types_, Channel::Answers::kInTime));
  }
  EXPECT_FALSE(CanBeRead());
  ASSERT_TRUE(third_peer->SendAll(7, {}).ok());
  EXPECT_TRUE(WaitFor(10'000, [&] { return types_ == std::vector<uint16_t>{7}; }).ok());
  EXPECT_TRUE(other_types_.empty());
  EXPECT_EQ(lost_, 0);
}

// --- others ---

TEST_F(LeaderWaitTest, WhatHandlersWantDoneIsDoneWithoutTheLock) {
  ASSERT_TRUE(peer_->SendAll(98, {}).ok());
  EXPECT_TRUE(WaitFor(10'000, [&] { return actions_ == 1; }).ok());
  ASSERT_TRUE(peer_->SendAll(5, {}).ok());
  EXPECT_TRUE(WaitFor(10'000, [&] { return types_.size() == 2; }).ok());
  EXPECT_EQ(actions_, 1);
}

TEST_F(LeaderWaitTest, WhatIsLeftOverGoesWhenSomebodyWaits) {
  ASSERT_TRUE(channel_->Append(7, {}, 1000));
  EXPECT_EQ(WaitFor(0, [] { return false; }).code(), StatusCode::kTimedOut);
  ASSERT_TRUE(peer_->Wait(true, false, 0)->readable);
}

TEST_F(LeaderWaitTest, AtTheEndAllReturnAndNobodyLeadsAnyMore) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back(
        [this] { EXPECT_EQ(WaitFor(60'000, [] { return false; }).message(), "the end"); });
  }
  {
    const LeaderWait::Lock lock = waits_.LockState();
    waits_.End(Status::Disconnected("the end"));
    channel_->Lose(waits_.end_reason());
  }
  waits_.Stop();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(waits_.fd(), -1);
  EXPECT_EQ(waits_.WaitToWrite(channel_.get()).message(), "the end");
  EXPECT_EQ(WaitFor(0, [] { return true; }).code(), StatusCode::kOk) << "what is there counts";
}

// --- signals ---

// A signal comes again and again until `done`, since the first may come before the thread sleeps.
void SignalUntil(std::thread& thread, const std::function<bool()>& done) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  while (!done()) ::pthread_kill(thread.native_handle(), SIGUSR1);
  thread.join();
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(LeaderWaitTest, WhoDoesNotLookForSignalsIsNotInterrupted) {
  std::atomic<bool> ended{false};
  std::thread waiter([&] {
    LeaderWait::Lock lock = waits_.LockState();
    // Longer than until one looks, wherever the signals come.
    const auto deadline = Deadline::After(LeaderWait::kLeaderSliceMs + 100);
    EXPECT_EQ(waits_.Wait(&lock, deadline, 1, [] { return false; }).code(), StatusCode::kTimedOut);
    EXPECT_TRUE(waits_.Wait(&lock, Deadline(), 1, [&] { return !types_.empty(); }).ok());
    ended.store(true);
  });
  bool sent = false;
  const int64_t begin_ms = MonotonicMs();
  SignalUntil(waiter, [&] {
    if (!sent && MonotonicMs() - begin_ms > LeaderWait::kLeaderSliceMs + 200) {
      EXPECT_TRUE(peer_->SendAll(5, {}).ok());
      sent = true;
    }
    return ended.load();
  });
}

// Of who looks for signals.
class LeaderSignalsTest : public LeaderWaitTest {
 protected:
  LeaderSignalsTest() { waits_.set_looks_for_signals(true); }
};

TEST_F(LeaderSignalsTest, ASignalInterruptsTheLeader) {
  std::atomic<bool> interrupted{false};
  std::thread waiter([&] {
    LeaderWait::Lock lock = waits_.LockState();
    const Status status = waits_.Wait(&lock, Deadline(), -1, [] { return false; });
    EXPECT_EQ(status.code(), StatusCode::kInterrupted);
    interrupted.store(true);
  });
  SignalUntil(waiter, [&] { return interrupted.load(); });
}

// One that came before the sleep, or to another thread, does not end it.
TEST_F(LeaderSignalsTest, TheLeaderLooksForSignalsNowAndThen) {
  LeaderWait::Lock lock = waits_.LockState();
  for (int i = 0; i < 2; ++i) {
    const Status status = waits_.Wait(&lock, Deadline(), -1, [] { return false; });
    EXPECT_EQ(status.code(), StatusCode::kInterrupted);
  }
  ASSERT_TRUE(peer_->SendAll(5, {}).ok());
  EXPECT_TRUE(waits_.Wait(&lock, Deadline(), -1, [&] { return !types_.empty(); }).ok());
}

// A signal that came while frames for others were handled does not end the sleep after them.
TEST_F(LeaderSignalsTest, TheLeaderLooksForSignalsSoonAfterFrames) {
  const auto waits_ms = [this] {
    const int64_t begin_ms = MonotonicMs();
    const Status status = [this] {
      LeaderWait::Lock lock = waits_.LockState();
      return waits_.Wait(&lock, Deadline(), -1, [] { return false; });
    }();
    EXPECT_EQ(status.code(), StatusCode::kInterrupted);
    return MonotonicMs() - begin_ms;
  };
  EXPECT_LT(waits_ms(), LeaderWait::kLeaderSliceMs) << "it may have come before the first sleep";
  EXPECT_GE(waits_ms(), LeaderWait::kLeaderSliceMs) << "nothing has come";
  std::atomic<bool> stop{false};
  std::thread peer([&] {
    while (!stop.load()) EXPECT_TRUE(peer_->SendAll(5, {}).ok());
  });
  for (int i = 0; i < 3; ++i) EXPECT_LT(waits_ms(), LeaderWait::kLeaderSliceMs);
  stop.store(true);
  peer.join();
}

// Nor does one end the sleep of a thread that lets another one read.
TEST_F(LeaderSignalsTest, WhoTakesOverFromTheLeaderLooksForSignalsSoon) {
  LeaderWait::Lock lock = waits_.LockState();
  (void)waits_.Wait(&lock, Deadline(), -1, [] { return false; });
  bool leave = false;
  std::thread first([&] {
    LeaderWait::Lock own = waits_.LockState();
    while (waits_
               .Wait(
                   &own, Deadline(), -1, [&] { return leave; }, 10'000)
               .code() == StatusCode::kInterrupted) {
    }
  });
  lock.unlock();
  // It leads when it reads.
  ASSERT_TRUE(peer_->SendAll(5, {}).ok());
  for (bool is_read = false; !is_read; lock.unlock()) {
    lock.lock();
    is_read = !types_.empty();
  }
  std::thread second([&] {
    LeaderWait::Lock own = waits_.LockState();
    leave = true;
    waits_.Wake();
    const int64_t begin_ms = MonotonicMs();
    EXPECT_EQ(waits_.Wait(&own, Deadline(), 10'000, [] { return false; }).code(),
              StatusCode::kInterrupted);
    EXPECT_LT(MonotonicMs() - begin_ms, LeaderWait::kLeaderSliceMs);
  });
  first.join();
  second.join();
}

}  // namespace
}  // namespace rayx
