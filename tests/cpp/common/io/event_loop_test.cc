#include "common/io/event_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/io/socket.h"
#include "common/os/clock.h"

namespace rayx {
namespace {

constexpr int64_t kPatienceMs = 10'000;

class EventLoopTest : public testing::Test {
 protected:
  void SetUp() override {
    auto pair = SocketPair();
    ASSERT_TRUE(pair.ok());
    ours_ = std::move(pair->first);
    theirs_ = std::move(pair->second);
  }

  // Runs turns until `done`; fails if that takes too long.
  void RunUntil(const std::function<bool()>& done) {
    const auto watchdog = loop_.CallAt(loop_.now_ms() + kPatienceMs, [this] {
      ADD_FAILURE() << "nothing happened";
      loop_.Stop();
    });
    loop_.Run([&] {
      if (done()) loop_.Stop();
      return false;
    });
  }

  void Say(std::string_view text) {
    ASSERT_EQ(::write(theirs_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string Hear(size_t bytes_max) {
    std::string text(bytes_max, '\0');
    const ssize_t bytes = ::read(ours_.get(), text.data(), text.size());
    text.resize(bytes < 0 ? 0 : static_cast<size_t>(bytes));
    return text;
  }

  EventLoop loop_;
  ScopedFd ours_;
  ScopedFd theirs_;
};

TEST_F(EventLoopTest, PostRunsInTheNextTurnInOrder) {
  std::string order;
  uint64_t posted_in = 0;
  uint64_t ran_in = 0;
  loop_.Post([&] {
    order += "a";
    posted_in = loop_.turn();
    loop_.Post([&] {
      order += "c";
      ran_in = loop_.turn();
    });
  });
  loop_.Post([&] { order += "b"; });
  RunUntil([&] { return order.size() == 3; });
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(ran_in, posted_in + 1);
}

TEST_F(EventLoopTest, PostFromAnotherThreadWakesTheLoop) {
  bool ran = false;
  std::thread other([&] { loop_.Post([&] { ran = true; }); });
  RunUntil([&] { return ran; });
  other.join();
  EXPECT_TRUE(ran);
}

// A node that coalesces its wake-ups sleeps in its turn.
TEST_F(EventLoopTest, PostEndsASleepOfTheTurn) {
  const int64_t begin_ms = MonotonicMs();
  const auto run_until = [this](const bool& done, const std::function<void()>& before_sleep) {
    loop_.Run([&] {
      if (done) {
        loop_.Stop();
        return false;
      }
      before_sleep();
      loop_.wake_set().Wait(kPatienceMs);
      return false;
    });
  };
  for (int i = 0; i < 50 && MonotonicMs() - begin_ms < kPatienceMs; ++i) {
    bool ran = false;
    std::thread other([&] { loop_.Post([&] { ran = true; }); });
    run_until(ran, [] {});
    other.join();
  }
  for (int i = 0; i < 3 && MonotonicMs() - begin_ms < kPatienceMs; ++i) {
    bool ran = false;
    run_until(ran, [&] { loop_.Post([&] { ran = true; }); });
  }
  EXPECT_LT(MonotonicMs() - begin_ms, kPatienceMs) << "no sleep was slept out";
}

TEST_F(EventLoopTest, AnotherTurnFollowsAtOnceWhenAsked) {
  int turns = 0;
  loop_.Run([&] {
    if (++turns == 5) loop_.Stop();
    return true;
  });
  EXPECT_EQ(turns, 5);
}

TEST_F(EventLoopTest, StopEndsAfterTheTurnAndRunWorksAgain) {
  int turns = 0;
  for (int run = 0; run < 2; ++run) {
    loop_.Post([&] { loop_.Stop(); });
    loop_.Run([&] {
      ++turns;
      return false;
    });
  }
  EXPECT_EQ(turns, 2);
}

TEST_F(EventLoopTest, TimerIsNeverEarlyAndRunsOnce) {
  const int64_t when_ms = MonotonicMs() + 5;
  int calls = 0;
  int64_t seen_ms = 0;
  const auto timer = loop_.CallAt(when_ms, [&] {
    ++calls;
    seen_ms = loop_.now_ms();
  });
  bool later = false;
  const auto second = loop_.CallAt(when_ms + 5, [&] { later = true; });
  RunUntil([&] { return later; });
  EXPECT_EQ(calls, 1);
  EXPECT_GE(seen_ms, when_ms);
}

TEST_F(EventLoopTest, TimersRunInTheirOrderAndDestroyedOnesNever) {
  std::string order;
  const int64_t now_ms = MonotonicMs();
  auto late = loop_.CallAt(now_ms + 6, [&] { order += "late "; });
  auto dropped = loop_.CallAt(now_ms + 4, [&] { order += "dropped "; });
  const auto early = loop_.CallAt(now_ms + 2, [&] {
    order += "early ";
    dropped.reset();
  });
  RunUntil([&] { return order.find("late") != std::string::npos; });
  EXPECT_EQ(order, "early late ");
}

TEST_F(EventLoopTest, ATimerThatIsSetAnewInEachTurnLetsTheLoopRest) {
  std::unique_ptr<EventLoop::Timer> timer;
  size_t turns = 0;
  const auto end = loop_.CallAt(loop_.now_ms() + 50, [this] { loop_.Stop(); });
  loop_.Run([&] {
    ++turns;
    timer = loop_.CallAt(loop_.now_ms() + 20, [] {});
    return false;
  });
  // The first one, one for each time that it runs, and the end.
  EXPECT_LE(turns, 5u);
}

TEST_F(EventLoopTest, TimerMayBeDestroyedByItsOwnHandler) {
  bool ran = false;
  std::unique_ptr<EventLoop::Timer> timer;
  timer = loop_.CallAt(0, [&] {
    timer.reset();
    ran = true;
  });
  RunUntil([&] { return ran; });
}

TEST_F(EventLoopTest, NowIsTheSameForAWholeTurn) {
  int64_t first_ms = 0;
  int64_t second_ms = 0;
  loop_.Post([&] { first_ms = loop_.now_ms(); });
  loop_.Post([&] {
    while (MonotonicMs() < first_ms + 3) {
    }
    second_ms = loop_.now_ms();
  });
  RunUntil([&] { return second_ms != 0; });
  EXPECT_EQ(first_ms, second_ms);
  EXPECT_GE(loop_.now_ms(), first_ms + 3);
}

TEST_F(EventLoopTest, ReadableIsLevelAndOnceATurn) {
  std::string heard;
  std::vector<uint64_t> turns;
  const auto watcher = loop_.Watch(ours_.get(), [&] {
    turns.push_back(loop_.turn());
    heard += Hear(1);
  });
  Say("abc");
  RunUntil([&] { return heard.size() == 3; });
  EXPECT_EQ(heard, "abc");
  ASSERT_EQ(turns.size(), 3u);
  EXPECT_LT(turns[0], turns[1]);
  EXPECT_LT(turns[1], turns[2]);
}

TEST_F(EventLoopTest, UnwantedReadingWaits) {
  std::string heard;
  const auto watcher = loop_.Watch(ours_.get(), [&] { heard += Hear(10); });
  watcher->WantRead(false);
  Say("abc");
  int turns = 0;
  loop_.Run([&] {
    if (++turns == 3) loop_.Stop();
    return true;
  });
  EXPECT_EQ(heard, "");
  watcher->WantRead(true);
  RunUntil([&] { return !heard.empty(); });
  EXPECT_EQ(heard, "abc");
}

TEST_F(EventLoopTest, WritableComesOnlyWhenWanted) {
  int writable = 0;
  std::unique_ptr<EventLoop::Watcher> watcher;
  watcher = loop_.Watch(
      ours_.get(), [] {},
      [&] {
        if (++writable == 2) watcher->WantWrite(false);
      });
  int turns = 0;
  const auto three_turns = [&] {
    if (++turns % 3 == 0) loop_.Stop();
    return true;
  };
  loop_.Run(three_turns);
  EXPECT_EQ(writable, 0);
  watcher->WantWrite(true);
  RunUntil([&] { return writable == 2; });
  loop_.Run(three_turns);
  EXPECT_EQ(writable, 2);
}

TEST_F(EventLoopTest, PeerThatIsGoneMakesReadable) {
  bool gone = false;
  const auto watcher = loop_.Watch(ours_.get(), [&] { gone = Hear(1).empty(); });
  theirs_.Reset();
  RunUntil([&] { return gone; });
}

TEST_F(EventLoopTest, WatcherMayBeDestroyedByItsOwnHandler) {
  int calls = 0;
  std::unique_ptr<EventLoop::Watcher> watcher;
  watcher = loop_.Watch(ours_.get(), [&] {
    ++calls;
    watcher.reset();
  });
  Say("abc");
  int turns = 0;
  RunUntil([&] {
    if (calls > 0) loop_.Post([] {});
    return calls > 0 && ++turns == 3;
  });
  EXPECT_EQ(calls, 1);
  // Not closed, only forgotten.
  EXPECT_EQ(Hear(3), "abc");
}

TEST_F(EventLoopTest, WatcherDestroyedByAnothersHandlerIsSilent) {
  auto second_pair = SocketPair();
  ASSERT_TRUE(second_pair.ok());
  int calls = 0;
  std::unique_ptr<EventLoop::Watcher> watchers[2];
  const int fds[2] = {ours_.get(), second_pair->first.get()};
  // Both are readable in the same turn; whichever comes first ends the other.
  for (int i = 0; i < 2; ++i) {
    watchers[i] = loop_.Watch(fds[i], [&, i] {
      ++calls;
      watchers[1 - i].reset();
      watchers[i]->WantRead(false);
    });
  }
  Say("x");
  ASSERT_EQ(::write(second_pair->second.get(), "y", 1), 1);
  int turns = 0;
  RunUntil([&] {
    if (calls > 0) loop_.Post([] {});
    return calls > 0 && ++turns == 3;
  });
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, DescriptorCanBeWatchedAgain) {
  int first_calls = 0;
  int second_calls = 0;
  auto watcher = loop_.Watch(ours_.get(), [&] { ++first_calls; });
  watcher.reset();
  watcher = loop_.Watch(ours_.get(), [&] {
    ++second_calls;
    Hear(10);
  });
  Say("abc");
  RunUntil([&] { return second_calls > 0; });
  EXPECT_EQ(first_calls, 0);
  EXPECT_EQ(second_calls, 1);
}

TEST_F(EventLoopTest, BusyDescriptorDoesNotKeepTheTurnFromEnding) {
  int handled = 0;
  // Never reads: readable for ever.
  const auto watcher = loop_.Watch(ours_.get(), [&] { ++handled; });
  Say("x");
  int turns = 0;
  RunUntil([&] { return ++turns == 10; });
  EXPECT_LE(handled, 10);
  EXPECT_GE(handled, 9);
}

TEST_F(EventLoopTest, WhatIsWatchedEndsARestAndIsHeardAfterwards) {
  int heard = 0;
  auto watcher = loop_.Watch(ours_.get(), [&] {
    ++heard;
    (void)Hear(10);
  });
  Say("x");
  // Longer than any test waits.
  loop_.wake_set().Wait(60'000);
  EXPECT_EQ(heard, 0);
  RunUntil([&] { return heard == 1; });
  watcher.reset();
  Say("x");
  const int64_t begin_us = MonotonicUs();
  loop_.wake_set().Wait(2);
  EXPECT_GE(MonotonicUs() - begin_us, 1000) << "nobody watches it any more";
}

TEST_F(EventLoopTest, SignalsAreEventsForTheLifeOfTheLoop) {
  int arrived = 0;
  loop_.OnSignal(SIGUSR2, [&] { ++arrived; });
  for (int i = 1; i <= 3; ++i) {
    ::raise(SIGUSR2);
    RunUntil([&] { return arrived == i; });
  }
  EXPECT_EQ(arrived, 3);
}

}  // namespace
}  // namespace rayx
