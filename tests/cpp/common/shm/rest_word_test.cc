#include "common/shm/rest_word.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "common/os/clock.h"

namespace rayx {
namespace {

// Longer than any test waits.
constexpr int kForeverMs = 60'000;

class RestWordTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<ScopedFd> bell = CreateRestBell();
    ASSERT_TRUE(bell.ok());
    bell_ = std::move(*bell);
    set_.Add(bell_.get());
  }
  bool Rests() const { return (word_.load() & 1) != 0; }
  void Rest(int ms, uint32_t* seen) { rest_.Rest(set_, ms, seen); }
  void Hurry() { rest_.Hurry(bell_.get()); }

  std::atomic<uint32_t> word_{0};
  RestWord rest_{word_};
  RestSet set_;
  ScopedFd bell_;
};

TEST_F(RestWordTest, WhoIsHurriedEndsItsRest) {
  std::thread node([this] {
    uint32_t seen = 0;
    Rest(kForeverMs, &seen);
  });
  while (!Rests()) std::this_thread::yield();
  Hurry();
  node.join();
  EXPECT_FALSE(Rests());
}

TEST_F(RestWordTest, WhoWasHurriedDoesNotBeginToRest) {
  uint32_t seen = 0;
  Hurry();
  Rest(kForeverMs, &seen);
  EXPECT_NE(seen, 0u);
  Hurry();
  Rest(kForeverMs, &seen);
}

TEST_F(RestWordTest, ARestHasAnEnd) {
  uint32_t seen = 0;
  const int64_t begin_us = MonotonicUs();
  Rest(2, &seen);
  EXPECT_GE(MonotonicUs() - begin_us, 1000);
  EXPECT_FALSE(Rests());
}

TEST_F(RestWordTest, ABitThatSomebodyLeftSetDoesNoHarm) {
  word_.store(1);
  uint32_t seen = 0;
  Rest(1, &seen);
  Hurry();
  Rest(kForeverMs, &seen);
}

TEST_F(RestWordTest, NoHurryIsLost) {
  constexpr int kHurries = 20'000;
  std::atomic<int> sent{0};
  std::thread node([&] {
    uint32_t seen = 0;
    while (sent.load() < kHurries) Rest(kForeverMs, &seen);
  });
  for (int i = 0; i < kHurries; ++i) {
    sent.fetch_add(1);
    Hurry();
  }
  node.join();
}

}  // namespace
}  // namespace rayx
