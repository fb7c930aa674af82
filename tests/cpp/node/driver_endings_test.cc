#include "node/driver_endings.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "common/base/limits.h"
#include "testing/task_builder.h"

namespace rayx::node {
namespace {

class DriverEndingsTest : public ::testing::Test {
 protected:
  DriverId driver_ = testing::DriverNumber(1);
  int begun_ = 0;
  bool has_workers_ = false;
  std::vector<ClientId> done_;
  DriverEndings endings_{{.begin =
                              [this](const DriverId& driver) {
                                EXPECT_EQ(driver, driver_);
                                ++begun_;
                              },
                          .has_ending_workers = [this](const DriverId&) { return has_workers_; },
                          .done =
                              [this](ClientId client, const DriverId& driver) {
                                EXPECT_EQ(driver, driver_);
                                done_.push_back(client);
                              }}};
};

TEST_F(DriverEndingsTest, WithoutAnythingToFinishItIsAnsweredInTheSameTurn) {
  endings_.OnDrain(ClientId(7), driver_);
  EXPECT_EQ(begun_, 0) << "not before all is heard";
  endings_.OnTurn(0);
  EXPECT_EQ(begun_, 1);
  EXPECT_EQ(done_, std::vector<ClientId>({ClientId(7)}));
  endings_.OnTurn(0);
  EXPECT_EQ(done_.size(), 1u) << "once";
}

TEST_F(DriverEndingsTest, WaitsForWorkersThatEnd) {
  has_workers_ = true;
  endings_.OnDrain(ClientId(7), driver_);
  endings_.OnDrain(ClientId(7), driver_);
  endings_.OnTurn(0);
  endings_.OnTurn(0);
  EXPECT_EQ(begun_, 1);
  EXPECT_TRUE(done_.empty());
  has_workers_ = false;
  endings_.OnTurn(0);
  EXPECT_EQ(done_, std::vector<ClientId>({ClientId(7)}));
}

TEST_F(DriverEndingsTest, WaitsNoLongerThanItMay) {
  has_workers_ = true;
  endings_.OnDrain(ClientId(7), driver_);
  EXPECT_EQ(endings_.NextTickMs(), std::nullopt) << "the turn that begins it comes anyway";
  endings_.OnTurn(1000);
  EXPECT_EQ(endings_.NextTickMs(), 1000 + limits::kDriverEndMs);
  endings_.OnTurn(1000 + limits::kDriverEndMs - 1);
  EXPECT_TRUE(done_.empty());
  endings_.OnTurn(1000 + limits::kDriverEndMs);
  EXPECT_EQ(done_, std::vector<ClientId>({ClientId(7)}));
  EXPECT_EQ(endings_.NextTickMs(), std::nullopt);
}

}  // namespace
}  // namespace rayx::node
