#include "daemon/others/mailbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace rayx::daemon {
namespace {

TEST(Mailbox, TheTakerIsWokenOnceForAllThatWaits) {
  int wakes = 0;
  Mailbox<int> mailbox([&wakes] { ++wakes; });
  EXPECT_TRUE(mailbox.Take().empty());
  mailbox.Put(1);
  mailbox.Put(2);
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(mailbox.Take(), (std::vector<int>{1, 2}));
  EXPECT_TRUE(mailbox.Take().empty());
  mailbox.Put(3);
  EXPECT_EQ(wakes, 2);
}

TEST(Mailbox, BetweenThreadsNothingIsLostAndTheOrderStays) {
  constexpr int kLetters = 20'000;
  std::atomic<int> wakes = 0;
  Mailbox<int> mailbox([&wakes] { ++wakes; });
  std::thread putter([&mailbox] {
    for (int i = 0; i < kLetters; ++i) mailbox.Put(i);
  });
  std::vector<int> taken;
  while (taken.size() < kLetters) {
    for (const int letter : mailbox.Take()) taken.push_back(letter);
  }
  putter.join();
  for (int i = 0; i < kLetters; ++i) ASSERT_EQ(taken[static_cast<size_t>(i)], i);
  EXPECT_GE(wakes, 1);
}

}  // namespace
}  // namespace rayx::daemon
