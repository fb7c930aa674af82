#include "common/shm/claim_word.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

namespace rayx {
namespace {

using Claim = ClaimWord::Claim;

class ClaimWordTest : public testing::Test {
 protected:
  ClaimWord node_ = ClaimWord::Create().value();
  ClaimWord worker_ = ClaimWord::Map(node_.fd()).value();
  ClaimWord client_ = ClaimWord::Map(node_.fd()).value();
  bool Begins(uint32_t sequence) { return worker_.Begin(sequence) == Claim::kOurs; }
};

TEST_F(ClaimWordTest, WorkerBeginsWhatWasHandedOutInOrder) {
  EXPECT_FALSE(Begins(0));
  node_.HandOut(0);
  node_.HandOut(1);
  EXPECT_FALSE(Begins(1)) << "not its turn";
  EXPECT_TRUE(Begins(0));
  EXPECT_FALSE(Begins(0)) << "begun already";
  EXPECT_TRUE(Begins(1));
  EXPECT_FALSE(Begins(2));
  EXPECT_EQ(node_.next(), 2u);
}

TEST_F(ClaimWordTest, WhatIsTakenBackIsNeverBegun) {
  for (uint32_t i = 0; i < 5; ++i) node_.HandOut(i);
  EXPECT_TRUE(Begins(0));
  EXPECT_TRUE(Begins(1));
  EXPECT_EQ(node_.TakeBack(), 2u);
  for (uint32_t i = 2; i < 5; ++i) EXPECT_FALSE(Begins(i));
  EXPECT_EQ(node_.TakeBack(), 5u) << "nothing is left to take";
  node_.HandOut(5);
  EXPECT_TRUE(Begins(5));
}

TEST_F(ClaimWordTest, NonsenseOfTheWorkerHarmsOnlyIt) {
  node_.HandOut(0);
  Result<SharedMapping> raw = SharedMapping::Map(node_.fd(), 16, true);
  ASSERT_TRUE(raw.ok());
  std::memset(raw->data(), 0xff, 16);
  EXPECT_EQ(node_.TakeBack(), 1u) << "never more than was handed out";
  node_.HandOut(1);
  EXPECT_TRUE(Begins(1)) << "the word is right again";
  node_.Interrupt(1, 2);
  EXPECT_EQ(worker_.interrupt().sequence, 1u);
}

TEST_F(ClaimWordTest, TheNodeSaysWhoMaySpin) {
  EXPECT_FALSE(client_.may_spin());
  node_.AllowSpinning(true);
  EXPECT_TRUE(client_.may_spin());
  EXPECT_TRUE(worker_.may_spin());
  client_.doorbell().Ring(/*doorbell=*/-1);
  EXPECT_TRUE(worker_.may_spin()) << "its neighbour is another word";
  node_.AllowSpinning(false);
  EXPECT_FALSE(worker_.may_spin());
}

TEST_F(ClaimWordTest, AWorkerSaysThatItHasSomethingToFinish) {
  EXPECT_FALSE(node_.has_exit_work());
  worker_.NoteExitWork();
  EXPECT_TRUE(node_.has_exit_work());
  EXPECT_FALSE(node_.may_spin()) << "its neighbour is another word";
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
  EXPECT_TRUE(Begins(0)) << "the claim word is another one";
  EXPECT_EQ(node_.next(), 1u);
}

TEST_F(ClaimWordTest, TheWordsLieWhereTheHeaderSays) {
  node_.HandOut(0);
  node_.HandOut(1);
  ASSERT_TRUE(Begins(0));
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
      begun[i] = Begins(i) ? 1 : 0;
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

TEST_F(ClaimWordTest, TheClientOfALineHandsOutOneAtATime) {
  node_.HandOut(0);
  ASSERT_TRUE(Begins(0));
  EXPECT_FALSE(client_.Take().has_value()) << "there is no line";
  node_.Lend();
  EXPECT_EQ(worker_.Begin(1), Claim::kNotYet);
  EXPECT_EQ(client_.Take(), 1u);
  EXPECT_FALSE(client_.Take().has_value()) << "one waits to be begun";
  EXPECT_TRUE(Begins(1));
  EXPECT_EQ(client_.Take(), 2u);
  EXPECT_EQ(worker_.Begin(1), Claim::kTakenBack) << "or begun";
}

TEST_F(ClaimWordTest, ALineIsClosedOnceAllIsKnownThatItsClientTook) {
  node_.Lend();
  ASSERT_EQ(client_.Take(), 0u);
  EXPECT_FALSE(node_.Reclaim()) << "the node has not heard of it";
  ASSERT_TRUE(Begins(0));
  EXPECT_EQ(client_.Take(), 1u) << "it is open still";
  node_.OnHandedOut(0);
  node_.OnHandedOut(1);
  EXPECT_TRUE(node_.Reclaim());
  EXPECT_FALSE(client_.Take().has_value());
  node_.HandOut(2);
  EXPECT_TRUE(Begins(1));
  EXPECT_TRUE(Begins(2));
}

TEST_F(ClaimWordTest, WhatCameOverALineCountsAsHandedOutWhenTakenBack) {
  node_.Lend();
  ASSERT_EQ(client_.Take(), 0u);
  ASSERT_TRUE(Begins(0));
  ASSERT_EQ(client_.Take(), 1u);
  EXPECT_EQ(node_.TakeBack(), 1u) << "0 has begun, whether the node knows of it or not";
  EXPECT_FALSE(Begins(1));
  EXPECT_FALSE(client_.Take().has_value()) << "the line is closed";
}

TEST_F(ClaimWordTest, AWorkerCannotOpenALine) {
  node_.HandOut(0);
  ASSERT_TRUE(Begins(0));
  worker_.OnHandedOut(0);
  worker_.Lend();  // as if it wrote the bit
  ASSERT_EQ(client_.Take(), 1u);
  ASSERT_TRUE(Begins(1));
  EXPECT_EQ(node_.TakeBack(), 1u) << "what the node has handed out, not more";
  node_.HandOut(1);
  EXPECT_TRUE(Begins(1));
}

TEST_F(ClaimWordTest, EachNumberIsTakenOnceWhileLinesOpenAndClose) {
  constexpr uint32_t kTasks = 100'000;
  std::atomic<uint32_t> told{0};  // below this, the node may know
  std::vector<uint8_t> taken(kTasks + 2, 0);
  std::thread client([&] {
    for (uint32_t next = 0; next < kTasks;) {
      const std::optional<uint32_t> number = client_.Take();
      if (!number) {
        next = std::max(next, worker_.next());
        continue;
      }
      taken[*number] += 1;
      (void)worker_.Begin(*number);
      next = *number + 1;
      told.store(next, std::memory_order_release);
    }
  });
  uint32_t known = 0;
  bool open = false;
  while (known < kTasks) {
    if (!open) node_.Lend();
    open = true;
    for (const uint32_t end = told.load(std::memory_order_acquire); known < end; ++known) {
      node_.OnHandedOut(known);
    }
    if (!node_.Reclaim()) continue;
    open = false;
    if (known >= kTasks) break;
    // Nobody else hands out now.
    node_.HandOut(known++);
    (void)worker_.Begin(known - 1);
    told.store(known, std::memory_order_release);
  }
  client.join();
  for (uint32_t i = 0; i < kTasks; ++i) ASSERT_LE(taken[i], 1) << "number " << i;
}

TEST_F(ClaimWordTest, AnotherProcessSeesTheSameWord) {
  node_.HandOut(0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Result<ClaimWord> word = ClaimWord::Map(node_.fd());
    ::_exit(word.ok() && word->Begin(0) == Claim::kOurs ? 0 : 1);
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
