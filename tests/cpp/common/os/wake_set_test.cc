#include "common/os/wake_set.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>
#include <utility>

#include "common/io/socket.h"
#include "common/os/clock.h"

namespace rayx {
namespace {

// Longer than any test waits.
constexpr int kForeverMs = 60'000;

class WakeSetTest : public testing::Test {
 protected:
  void SetUp() override {
    auto sockets = SocketPair();
    ASSERT_TRUE(sockets.ok());
    ours_ = std::move(sockets->first);
    theirs_ = std::move(sockets->second);
  }
  void Say() { ASSERT_EQ(::send(theirs_.get(), "x", 1, 0), 1); }
  // Nothing that has happened would end a sleep.
  bool IsQuiet() {
    const int64_t begin_us = MonotonicUs();
    set_.Wait(2);
    return MonotonicUs() - begin_us >= 1000;
  }

  WakeSet set_;
  ScopedFd ours_, theirs_;
};

TEST_F(WakeSetTest, WhatHappensEndsASleep) {
  set_.Add(ours_.get());
  std::thread peer([this] { Say(); });
  set_.Wait(kForeverMs);
  peer.join();
}

TEST_F(WakeSetTest, WhatHappenedBeforeEndsItToo) {
  set_.Add(ours_.get());
  Say();
  set_.Wait(kForeverMs);
}

TEST_F(WakeSetTest, WhatWasSaidBeforeItWasAddedEndsItToo) {
  Say();
  set_.Add(ours_.get());
  set_.Wait(kForeverMs);
}

TEST_F(WakeSetTest, OneEventEndsOneSleep) {
  set_.Add(ours_.get());
  Say();
  set_.Wait(kForeverMs);
  EXPECT_TRUE(IsQuiet()) << "though nobody has read it";
  Say();
  set_.Wait(kForeverMs);
}

TEST_F(WakeSetTest, ThePeersEndEndsIt) {
  set_.Add(ours_.get());
  theirs_.Reset();
  set_.Wait(kForeverMs);
}

TEST_F(WakeSetTest, WhoIsTakenOutIsNotHeard) {
  set_.Add(ours_.get());
  set_.Add(ours_.get());
  set_.Remove(ours_.get());
  Say();
  EXPECT_TRUE(IsQuiet());
  set_.Remove(ours_.get());
  set_.Add(ours_.get());
  set_.Wait(kForeverMs);
}

TEST_F(WakeSetTest, AnotherThreadEndsASleep) {
  for (int i = 0; i < 100; ++i) {
    // Before the sleep or in it, as it comes.
    std::thread other([this] { set_.Wake(); });
    set_.Wait(kForeverMs);
    other.join();
    // What came too late for the last sleep ends the next one.
    set_.ForgetWake();
  }
}

TEST_F(WakeSetTest, AWakeBeforehandEndsOneSleepUnlessForgotten) {
  set_.Wake();
  set_.Wake();
  set_.Wait(kForeverMs);
  EXPECT_TRUE(IsQuiet());
  set_.Wake();
  set_.ForgetWake();
  EXPECT_TRUE(IsQuiet());
}

}  // namespace
}  // namespace rayx
