#include "client/objects/recent_pins.h"

#include <gtest/gtest.h>

namespace rayx {
namespace {

ObjectId IdOf(uint32_t index) { return ObjectId::ForReturn(TaskId(), index); }

TEST(RecentPinsTest, KeepsAPinUntilItIsForgotten) {
  RecentPins pins;
  auto pin = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = pin;
  pins.Keep(IdOf(1), pin);
  pins.Keep(IdOf(1), std::move(pin));
  pins.Forget(IdOf(2));
  EXPECT_FALSE(alive.expired());
  pins.Forget(IdOf(1));
  EXPECT_TRUE(alive.expired());
}

TEST(RecentPinsTest, TheOldestGoFirst) {
  RecentPins pins;
  std::vector<std::weak_ptr<int>> alive;
  for (uint32_t i = 0; i < RecentPins::kMost + 2; ++i) {
    const auto pin = std::make_shared<int>(0);
    alive.push_back(pin);
    pins.Keep(IdOf(i), pin);
    // Got again, so it is no longer the oldest.
    if (i == RecentPins::kMost - 1) pins.Keep(IdOf(0), alive[0].lock());
  }
  EXPECT_FALSE(alive[0].expired());
  EXPECT_TRUE(alive[1].expired());
  EXPECT_TRUE(alive[2].expired());
  EXPECT_FALSE(alive[3].expired());
}

}  // namespace
}  // namespace rayx
