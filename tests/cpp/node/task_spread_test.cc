#include "node/task_spread.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "node/node_recorder.h"

namespace rayx::node {
namespace {

// Who places tasks: writes down what it is offered.
struct Placer final : OtherNodes {
  NodeId self() const override { return testing::NumberedId<NodeId>(1); }
  void Send(ClientId, remote::Message) override {}
  bool HasRoom(ClientId) const override { return true; }
  void SendOnStream(const NodeId&, const transfer::OnStream&) override {}
  bool HasOthers() const override { return has_others; }
  bool ShouldOffer(const TaskSpec&) override { return false; }
  void Offer(const TaskOffer& offer) override { offers.insert(testing::NumberOf(offer.task)); }
  void Withdraw(const TaskId&, uint32_t) override {}

  bool has_others = true;
  std::set<uint64_t> offers;
};

// A node of two CPUs with two workers, and a driver with ten tasks.
class TaskSpreadTest : public ::testing::Test {
 protected:
  void SubmitTen() {
    Peer& driver = node_.Driver(1);
    for (uint64_t number = 2; number < 12; ++number) node_.Submit(driver, Task(number));
    node_.Turn();
    first_ = &node_.Started(WorkerNumber(1));
    second_ = &node_.Started(WorkerNumber(2));
    node_.Turn();
  }
  void Pass(int64_t ms) {
    now_ms_ += ms;
    node_.Turn(now_ms_);
  }

  Placer placer_;
  NodeRecorder node_{2, &placer_};
  Peer* first_ = nullptr;
  Peer* second_ = nullptr;
  int64_t now_ms_ = 0;
};

TEST_F(TaskSpreadTest, TasksThatWaitForLongTasksAreOffered) {
  SubmitTen();
  EXPECT_TRUE(placer_.offers.empty()) << "none has waited";
  ASSERT_TRUE(node_.core().NextTickMs());
  // The workers have prefetched them, and end nothing.
  node_.begun = 1;
  for (int look = 0; look < 3; ++look) Pass(limits::kSpreadLookMs);
  EXPECT_EQ(placer_.offers.size(), 8u);
  EXPECT_FALSE(placer_.offers.contains(2)) << "it runs";
}

TEST_F(TaskSpreadTest, WhatEndsSoonEnoughCostsOthersNothing) {
  SubmitTen();
  // At this pace the node ends ten in the time that tasks may wait.
  for (uint32_t done = 0; done < 4; ++done) node_.Done(*first_, 2 + 2 * done, done, "");
  Pass(limits::kSpreadLookMs);
  EXPECT_TRUE(placer_.offers.empty());
}

TEST_F(TaskSpreadTest, ActorsBeyondTheRoomForThemAreOfferedAtOnce) {
  Peer& driver = node_.Driver(1);
  for (uint64_t number = 2; number < 12; ++number) {
    node_.Submit(driver, Task(number).Creation().Cpus(0));
  }
  node_.Turn();
  EXPECT_EQ(placer_.offers.size(), 8u) << "two have room here, as there are two CPUs";
}

TEST_F(TaskSpreadTest, ANodeThatIsAloneKeepsItsTasks) {
  placer_.has_others = false;
  SubmitTen();
  Pass(limits::kSpreadLookMs);
  Pass(limits::kSpreadLookMs);
  EXPECT_TRUE(placer_.offers.empty());
}

}  // namespace
}  // namespace rayx::node
