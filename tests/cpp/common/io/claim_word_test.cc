#include "common/io/claim_word.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

namespace rayx {
namespace {

class ClaimWordTest : public testing::Test {
 protected:
  ClaimWord node_ = ClaimWord::Create().value();
  ClaimWord worker_ = ClaimWord::Map(node_.fd()).value();
};

TEST_F(ClaimWordTest, WorkerBeginsWhatWasHandedOutInOrder) {
  EXPECT_FALSE(worker_.Begin(0));
  node_.HandOut(0);
  node_.HandOut(1);
  EXPECT_FALSE(worker_.Begin(1)) << "not its turn";
  EXPECT_TRUE(worker_.Begin(0));
  EXPECT_FALSE(worker_.Begin(0)) << "begun already";
  EXPECT_TRUE(worker_.Begin(1));
  EXPECT_FALSE(worker_.Begin(2));
  EXPECT_EQ(node_.next(), 2u);
}

TEST_F(ClaimWordTest, WhatIsTakenBackIsNeverBegun) {
  for (uint32_t i = 0; i < 5; ++i) node_.HandOut(i);
  EXPECT_TRUE(worker_.Begin(0));
  EXPECT_TRUE(worker_.Begin(1));
  EXPECT_EQ(node_.TakeBack(), 2u);
  for (uint32_t i = 2; i < 5; ++i) EXPECT_FALSE(worker_.Begin(i));
  EXPECT_EQ(node_.TakeBack(), 5u) << "nothing is left to take";
  node_.HandOut(5);
  EXPECT_TRUE(worker_.Begin(5));
}

TEST_F(ClaimWordTest, NonsenseOfTheWorkerHarmsOnlyIt) {
  node_.HandOut(0);
  Result<SharedMapping> raw = SharedMapping::Map(node_.fd(), 16, true);
  ASSERT_TRUE(raw.ok());
  std::memset(raw->data(), 0xff, 16);
  EXPECT_EQ(node_.TakeBack(), 1u) << "never more than was handed out";
  node_.HandOut(1);
  EXPECT_TRUE(worker_.Begin(1)) << "the word is right again";
  node_.Interrupt(1, 2);
  EXPECT_EQ(worker_.interrupt().sequence, 1u);
}

TEST_F(ClaimWordTest, TheLastInterruptIsSeen) {
  EXPECT_EQ(worker_.interrupt().reason, 0) << "none yet";
  node_.HandOut(0);
  node_.Interrupt(0, 1);
  EXPECT_EQ(worker_.interrupt().sequence, 0u);
  EXPECT_EQ(worker_.interrupt().reason, 1);
  node_.Interrupt(0xfffffffe, 255);
  EXPECT_EQ(worker_.interrupt().sequence, 0xfffffffeu);
  EXPECT_EQ(worker_.interrupt().reason, 255);
  EXPECT_TRUE(worker_.Begin(0)) << "the claim word is another one";
  EXPECT_EQ(node_.next(), 1u);
}

TEST_F(ClaimWordTest, TheWordsLieWhereTheHeaderSays) {
  node_.HandOut(0);
  node_.HandOut(1);
  ASSERT_TRUE(worker_.Begin(0));
  node_.Interrupt(0x01020304, 5);
  Result<SharedMapping> raw = SharedMapping::Map(node_.fd(), 16, false);
  ASSERT_TRUE(raw.ok());
  const std::vector<uint8_t> seen(raw->data(), raw->data() + 16);
  EXPECT_EQ(seen, (std::vector<uint8_t>{1, 0, 0, 0, 2, 0, 0, 0, 4, 3, 2, 1, 5, 0, 0, 0}));
}

TEST_F(ClaimWordTest, AnInterruptIsNeverSeenInHalves) {
  constexpr uint32_t kRounds = 100'000;
  std::thread node([&] {
    for (uint32_t i = 0; i < kRounds; ++i) node_.Interrupt(i, static_cast<uint8_t>(i % 2 + 1));
  });
  int halves = 0;
  ClaimWord::Interrupted seen;
  do {
    seen = worker_.interrupt();
    if (seen.reason != 0 && seen.reason != seen.sequence % 2 + 1) ++halves;
  } while (seen.reason == 0 || seen.sequence != kRounds - 1);
  node.join();
  EXPECT_EQ(halves, 0);
}

TEST_F(ClaimWordTest, AnInterruptWithoutAReasonIsABug) {
  EXPECT_DEATH(node_.Interrupt(1, 0), "check failed");
}

TEST_F(ClaimWordTest, EachTaskIsBegunOrTakenBackNeverBoth) {
  constexpr uint32_t kTasks = 200'000;
  std::vector<uint8_t> begun(kTasks, 0);
  std::atomic<uint32_t> handed_out{0};
  std::thread worker([&] {
    for (uint32_t i = 0; i < kTasks; ++i) {
      while (handed_out.load(std::memory_order_acquire) <= i) {
      }
      begun[i] = worker_.Begin(i) ? 1 : 0;
    }
  });
  std::vector<uint8_t> taken(kTasks, 0);
  for (uint32_t i = 0; i < kTasks; ++i) {
    node_.HandOut(i);
    handed_out.store(i + 1, std::memory_order_release);
    if (i % 7 == 6) {
      for (uint32_t back = node_.TakeBack(); back <= i; ++back) taken[back] = 1;
    }
  }
  worker.join();
  for (uint32_t i = 0; i < kTasks; ++i) {
    ASSERT_EQ(begun[i] + taken[i], 1) << "task " << i;
  }
}

TEST_F(ClaimWordTest, AnotherProcessSeesTheSameWord) {
  node_.HandOut(0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Result<ClaimWord> word = ClaimWord::Map(node_.fd());
    ::_exit(word.ok() && word->Begin(0) ? 0 : 1);
  }
  int wait_status = 0;
  ASSERT_EQ(::waitpid(child, &wait_status, 0), child);
  EXPECT_EQ(wait_status, 0);
  EXPECT_EQ(node_.TakeBack(), 1u);
}

TEST(ClaimWordMapTest, MemoryThatIsNoneIsRefused) { EXPECT_FALSE(ClaimWord::Map(0).ok()); }

TEST_F(ClaimWordTest, NumbersThatSkipAreABug) { EXPECT_DEATH(node_.HandOut(1), "check failed"); }

}  // namespace
}  // namespace rayx
