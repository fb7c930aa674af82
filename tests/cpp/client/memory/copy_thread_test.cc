#include "client/memory/copy_thread.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <thread>

namespace rayx {
namespace {

TEST(CopyThreadsTest, TheEndWaitsForAllParts) {
  std::atomic<int> done{0};
  {
    CopyThreads threads;
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(threads.Start([&] { ++done; }));
  }
  EXPECT_EQ(done, 8);
}

TEST(CopyThreadsTest, PartsRunBesideTheCaller) {
  std::atomic<bool> go{false};
  std::atomic<std::thread::id> runner{std::this_thread::get_id()};
  {
    CopyThreads threads;
    ASSERT_TRUE(threads.Start([&] {
      go.wait(false);
      runner = std::this_thread::get_id();
    }));
    // The part cannot be over before this line.
    go = true;
    go.notify_all();
  }
  EXPECT_NE(runner.load(), std::this_thread::get_id());
}

TEST(CopyThreadsTest, PartsTakeNoSignalsAndTheCallersMaskStays) {
  std::atomic<bool> blocked{false};
  {
    CopyThreads threads;
    ASSERT_TRUE(threads.Start([&] {
      sigset_t mask;
      ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
      blocked = sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1;
    }));
  }
  EXPECT_TRUE(blocked);
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGINT), 0);
}

}  // namespace
}  // namespace rayx
