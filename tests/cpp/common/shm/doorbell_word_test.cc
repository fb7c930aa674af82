#include "common/shm/doorbell_word.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "common/os/clock.h"

namespace rayx {
namespace {

// Longer than any test waits.
constexpr int kForeverMs = 60'000;

class DoorbellWordTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<ScopedFd> doorbell = CreateDoorbell();
    ASSERT_TRUE(doorbell.ok());
    doorbell_ = std::move(*doorbell);
    set_.Add(doorbell_.get());
  }
  bool Sleeps() const { return (word_.load() & 1) != 0; }
  void SleepUntilRung(int ms, uint32_t* seen) { node_.SleepUntilRung(set_, ms, seen); }
  void Ring() { node_.Ring(doorbell_.get()); }

  std::atomic<uint32_t> word_{0};
  DoorbellWord node_{word_};
  WakeSet set_;
  ScopedFd doorbell_;
};

TEST_F(DoorbellWordTest, ARingEndsTheSleep) {
  std::thread node([this] {
    uint32_t seen = 0;
    SleepUntilRung(kForeverMs, &seen);
  });
  while (!Sleeps()) std::this_thread::yield();
  Ring();
  node.join();
  EXPECT_FALSE(Sleeps());
}

TEST_F(DoorbellWordTest, WhoWasRungBeforeDoesNotSleep) {
  uint32_t seen = 0;
  Ring();
  SleepUntilRung(kForeverMs, &seen);
  EXPECT_NE(seen, 0u);
  Ring();
  SleepUntilRung(kForeverMs, &seen);
}

TEST_F(DoorbellWordTest, ASleepHasAnEnd) {
  uint32_t seen = 0;
  const int64_t begin_us = MonotonicUs();
  SleepUntilRung(2, &seen);
  EXPECT_GE(MonotonicUs() - begin_us, 1000);
  EXPECT_FALSE(Sleeps());
}

TEST_F(DoorbellWordTest, ABitThatSomebodyLeftSetDoesNoHarm) {
  word_.store(1);
  uint32_t seen = 0;
  SleepUntilRung(1, &seen);
  Ring();
  SleepUntilRung(kForeverMs, &seen);
}

TEST_F(DoorbellWordTest, NoRingIsLost) {
  constexpr int kRings = 20'000;
  std::atomic<int> sent{0};
  std::thread node([&] {
    uint32_t seen = 0;
    while (sent.load() < kRings) SleepUntilRung(kForeverMs, &seen);
  });
  for (int i = 0; i < kRings; ++i) {
    sent.fetch_add(1);
    Ring();
  }
  node.join();
}

}  // namespace
}  // namespace rayx
