#include "daemon/driver_endings.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "common/io/random_bytes.h"

namespace rayx::daemon {
namespace {

class DriverEndingsTest : public ::testing::Test {
 protected:
  RandomIdSource ids_;
  DriverId driver_ = ids_.Next<DriverId>();
  EventLoop loop_;
  int begun_ = 0;
  bool has_workers_ = false;
  std::vector<ClientId> done_;
  DriverEndings endings_{&loop_,
                         {.begin =
                              [this](const DriverId& driver) {
                                EXPECT_EQ(driver, driver_);
                                ++begun_;
                              },
                          .has_ending_workers = [this](const DriverId&) { return has_workers_; },
                          .done = [this](ClientId client) { done_.push_back(client); }}};
};

TEST_F(DriverEndingsTest, WithoutAnythingToFinishItIsAnsweredInTheSameTurn) {
  endings_.OnDrain(7, driver_);
  EXPECT_EQ(begun_, 0) << "not before all is heard";
  endings_.OnTurn();
  EXPECT_EQ(begun_, 1);
  EXPECT_EQ(done_, std::vector<ClientId>({7}));
  endings_.OnTurn();
  EXPECT_EQ(done_.size(), 1u) << "once";
}

TEST_F(DriverEndingsTest, WaitsForWorkersThatEnd) {
  has_workers_ = true;
  endings_.OnDrain(7, driver_);
  endings_.OnDrain(7, driver_);
  endings_.OnTurn();
  endings_.OnTurn();
  EXPECT_EQ(begun_, 1);
  EXPECT_TRUE(done_.empty());
  has_workers_ = false;
  endings_.OnTurn();
  EXPECT_EQ(done_, std::vector<ClientId>({7}));
}

TEST_F(DriverEndingsTest, WaitsNoLongerThanItMay) {
  has_workers_ = true;
  const int64_t start_ms = loop_.now_ms();
  endings_.OnDrain(7, driver_);
  const auto limit = loop_.CallAt(start_ms + 20 * limits::kDriverEndMs, [this] { loop_.Stop(); });
  loop_.Run([this] {
    endings_.OnTurn();
    if (!done_.empty()) loop_.Stop();
    return false;
  });
  EXPECT_EQ(done_, std::vector<ClientId>({7}));
  EXPECT_GE(loop_.now_ms() - start_ms, limits::kDriverEndMs);
}

}  // namespace
}  // namespace rayx::daemon
