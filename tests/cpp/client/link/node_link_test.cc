#include "client/link/node_link.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "common/io/socket.h"
#include "common/os/clock.h"

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

TEST_F(NodeLinkTest, WhoDoesNotLookForSignalsIsNotInterrupted) {
  std::atomic<bool> ended{false};
  std::thread waiter([&] {
    NodeLink::Lock lock = link_->LockState();
    // Longer than until one looks, wherever the signals come.
    const auto deadline = Deadline::After(NodeLink::kLeaderSliceMs + 100);
    EXPECT_EQ(link_->Wait(&lock, deadline, 1, [] { return false; }).code(), StatusCode::kTimedOut);
    EXPECT_TRUE(link_->Wait(&lock, Deadline(), 1, [&] { return !types_.empty(); }).ok());
    ended.store(true);
  });
  bool sent = false;
  const int64_t begin_ms = MonotonicMs();
  SignalUntil(waiter, [&] {
    if (!sent && MonotonicMs() - begin_ms > NodeLink::kLeaderSliceMs + 200) {
      EXPECT_TRUE(peer_->SendAll(5, {}).ok());
      sent = true;
    }
    return ended.load();
  });
}

// Of who looks for signals.
class NodeLinkSignalsTest : public NodeLinkTest {
 protected:
  NodeLinkSignalsTest() { link_->set_looks_for_signals(true); }
};

TEST_F(NodeLinkSignalsTest, ASignalInterruptsTheLeader) {
  std::atomic<bool> interrupted{false};
  std::thread waiter([&] {
    NodeLink::Lock lock = link_->LockState();
    const Status status = link_->Wait(&lock, Deadline(), -1, [] { return false; });
    EXPECT_EQ(status.code(), StatusCode::kInterrupted);
    interrupted.store(true);
  });
  SignalUntil(waiter, [&] { return interrupted.load(); });
}

// One that came before the sleep, or to another thread, does not end it.
TEST_F(NodeLinkSignalsTest, TheLeaderLooksForSignalsNowAndThen) {
  NodeLink::Lock lock = link_->LockState();
  for (int i = 0; i < 2; ++i) {
    const Status status = link_->Wait(&lock, Deadline(), -1, [] { return false; });
    EXPECT_EQ(status.code(), StatusCode::kInterrupted);
  }
  ASSERT_TRUE(peer_->SendAll(5, {}).ok());
  EXPECT_TRUE(link_->Wait(&lock, Deadline(), -1, [&] { return !types_.empty(); }).ok());
}

// A signal that came while frames for others were handled does not end the sleep after them.
TEST_F(NodeLinkSignalsTest, TheLeaderLooksForSignalsSoonAfterFrames) {
  const auto waits_ms = [this] {
    const int64_t begin_ms = MonotonicMs();
    const Status status = [this] {
      NodeLink::Lock lock = link_->LockState();
      return link_->Wait(&lock, Deadline(), -1, [] { return false; });
    }();
    EXPECT_EQ(status.code(), StatusCode::kInterrupted);
    return MonotonicMs() - begin_ms;
  };
  EXPECT_LT(waits_ms(), NodeLink::kLeaderSliceMs) << "it may have come before the first sleep";
  EXPECT_GE(waits_ms(), NodeLink::kLeaderSliceMs) << "nothing has come";
  std::atomic<bool> stop{false};
  std::thread peer([&] {
    while (!stop.load()) EXPECT_TRUE(peer_->SendAll(5, {}).ok());
  });
  for (int i = 0; i < 3; ++i) EXPECT_LT(waits_ms(), NodeLink::kLeaderSliceMs);
  stop.store(true);
  peer.join();
}

// Nor does one end the sleep of a thread that lets another one read.
TEST_F(NodeLinkSignalsTest, WhoTakesOverFromTheLeaderLooksForSignalsSoon) {
  NodeLink::Lock lock = link_->LockState();
  (void)link_->Wait(&lock, Deadline(), -1, [] { return false; });
  bool leave = false;
  std::thread first([&] {
    NodeLink::Lock own = link_->LockState();
    while (link_
               ->Wait(
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
    NodeLink::Lock own = link_->LockState();
    leave = true;
    link_->Wake();
    const int64_t begin_ms = MonotonicMs();
    EXPECT_EQ(link_->Wait(&own, Deadline(), 10'000, [] { return false; }).code(),
              StatusCode::kInterrupted);
    EXPECT_LT(MonotonicMs() - begin_ms, NodeLink::kLeaderSliceMs);
  });
  first.join();
  second.join();
}

// The node allows to look for what comes before one sleeps.
class SpinningLinkTest : public NodeLinkTest {
 protected:
  SpinningLinkTest() {
    link_->set_line_handler({.on_frame =
                                 [this](const Frame& frame) {
                                   line_types_.push_back(frame.type);
                                   return Status::Ok();
                                 },
                             .on_lost = [this] { lost_ = true; },
                             .settle = [] {}});
    auto [ours, theirs] = std::move(SocketPair()).value();
    line_peer_ = std::make_unique<FrameStream>(std::move(theirs));
    memory_->AllowSpinning(true);
    link_->SetRest(memory_, ScopedFd());
    const NodeLink::Lock lock = link_->LockState();
    link_->SetLine(std::make_unique<FrameStream>(std::move(ours)));
  }
  Status Wait(int64_t timeout_ms, const std::function<bool()>& ready) {
    NodeLink::Lock lock = link_->LockState();
    return link_->Wait(&lock, Deadline::After(timeout_ms), 50, ready, 60'000);
  }

  std::shared_ptr<ClaimWord> memory_ = std::make_shared<ClaimWord>(ClaimWord::Create().value());
  std::unique_ptr<FrameStream> line_peer_;
  std::vector<uint16_t> line_types_;
  bool lost_ = false;
};

TEST_F(SpinningLinkTest, EachRoundIsHeard) {
  constexpr size_t kRounds = 200;
  std::thread worker([this] {
    for (size_t i = 0; i < kRounds; ++i) {
      (void)line_peer_->Wait(true, false, 10000);
      if (!line_peer_->ReadSome().ok() || !line_peer_->SendAll(14, {}).ok()) return;
    }
  });
  for (size_t i = 1; i <= kRounds; ++i) {
    ASSERT_TRUE(link_->SendOnLine(15, {}));
    ASSERT_TRUE(Wait(10'000, [&] { return line_types_.size() == i; }).ok()) << i;
  }
  worker.join();
}

TEST_F(SpinningLinkTest, WhatTheNodeSaysMeanwhileIsHeard) {
  ASSERT_TRUE(peer_->SendAll(5, {}).ok());
  EXPECT_TRUE(Wait(10'000, [&] { return !types_.empty(); }).ok());
}

TEST_F(SpinningLinkTest, WhatDoesNotComeIsWaitedForAsleepAndInVain) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Wait(2, [] { return false; }).code(), StatusCode::kTimedOut);
  }
}

TEST_F(SpinningLinkTest, ThePeersEndIsNoticed) {
  line_peer_.reset();
  EXPECT_TRUE(Wait(10'000, [&] { return lost_; }).ok());
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
