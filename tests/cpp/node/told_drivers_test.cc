#include "node/told_drivers.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "node/node_pair.h"

namespace rayx::node {
namespace {

// The home gives a task to the guest, where it has ended; its worker is idle.
class ToldDriversTest : public ::testing::Test {
 protected:
  ToldDriversTest() {
    nodes_.home().Submit(driver_, Task(2));
    home().given().OnPlace(TaskNumber(2), 1, NodePair::kGuest());
    nodes_.Run();
    Peer& worker = nodes_.guest().Started(WorkerNumber(1));
    nodes_.Run();
    nodes_.guest().Done(worker, 2, 0, "done");
    nodes_.Run();
    nodes_.told();
  }
  RemoteTasks& home() { return nodes_.home().core().tasks().remote(); }
  void Drain() { nodes_.home().core().endings().OnDrain(output_.id, DriverNumber(1)); }
  bool IsDrained() {
    const Lines told = nodes_.told();
    return std::find(told.begin(), told.end(), "drained c2") != told.end();
  }

  NodePair nodes_;
  Peer& driver_ = nodes_.home().Driver(1);
  Peer& output_ = nodes_.home().Output(1);
};

TEST_F(ToldDriversTest, WithoutAnythingToFinishItIsAnsweredAtOnce) {
  Drain();
  EXPECT_EQ(nodes_.Run(), Lines());
  EXPECT_TRUE(IsDrained());
}

TEST_F(ToldDriversTest, ADriverThatEndsWaitsForWorkersAtOtherNodes) {
  nodes_.guest().has_exit_work = true;
  Drain();
  EXPECT_EQ(nodes_.Run(), Lines({"stop w1"}));
  EXPECT_FALSE(IsDrained()) << "its worker may print more";
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  nodes_.Run();
  EXPECT_TRUE(IsDrained());
}

TEST_F(ToldDriversTest, ANodeThatIsGoneIsNotWaitedFor) {
  nodes_.guest().has_exit_work = true;
  Drain();
  nodes_.Run();
  nodes_.Cut();
  nodes_.Run();
  EXPECT_TRUE(IsDrained());
}

TEST_F(ToldDriversTest, OnlyWhoMayDrainsAndAnswers) {
  EXPECT_FALSE(home().OnMessage(NodePair::kSession, remote::DrainDriver{DriverNumber(1)}).ok())
      << "its driver is another's";
  EXPECT_FALSE(home().OnMessage(NodePair::kSession, remote::DriverDrained{DriverNumber(1)}).ok())
      << "nobody has asked";
  nodes_.guest().has_exit_work = true;
  Drain();
  nodes_.Run();
  nodes_.home().Gone(driver_);
  EXPECT_TRUE(home().OnMessage(NodePair::kSession, remote::DriverDrained{DriverNumber(1)}).ok())
      << "it did not wait for the answer";
}

}  // namespace
}  // namespace rayx::node
