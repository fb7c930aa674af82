#include "common/io/rest_word.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "common/io/clock.h"

namespace rayx {
namespace {

// Longer than any test waits.
constexpr int64_t kForeverUs = 60'000'000;

class RestWordTest : public testing::Test {
 protected:
  bool Rests() const { return (word_.load() & 1) != 0; }

  std::atomic<uint32_t> word_{0};
  RestWord rest_{word_};
};

TEST_F(RestWordTest, WhoIsHurriedEndsItsRest) {
  std::thread node([this] {
    uint32_t seen = 0;
    rest_.Rest(kForeverUs, &seen);
  });
  while (!Rests()) std::this_thread::yield();
  rest_.Hurry();
  node.join();
  EXPECT_FALSE(Rests());
}

TEST_F(RestWordTest, WhoWasHurriedDoesNotBeginToRest) {
  uint32_t seen = 0;
  rest_.Hurry();
  rest_.Rest(kForeverUs, &seen);
  EXPECT_NE(seen, 0u);
  rest_.Hurry();
  rest_.Rest(kForeverUs, &seen);
}

TEST_F(RestWordTest, ARestHasAnEnd) {
  uint32_t seen = 0;
  const int64_t begin_us = MonotonicUs();
  rest_.Rest(2000, &seen);
  EXPECT_GE(MonotonicUs() - begin_us, 1000);
  EXPECT_FALSE(Rests());
}

TEST_F(RestWordTest, ABitThatSomebodyLeftSetDoesNoHarm) {
  word_.store(1);
  uint32_t seen = 0;
  rest_.Rest(100, &seen);
  rest_.Hurry();
  rest_.Rest(kForeverUs, &seen);
}

TEST_F(RestWordTest, NoHurryIsLost) {
  constexpr int kHurries = 20'000;
  std::atomic<int> sent{0};
  std::thread node([&] {
    uint32_t seen = 0;
    while (sent.load() < kHurries) rest_.Rest(kForeverUs, &seen);
  });
  for (int i = 0; i < kHurries; ++i) {
    sent.fetch_add(1);
    rest_.Hurry();
  }
  node.join();
}

}  // namespace
}  // namespace rayx
