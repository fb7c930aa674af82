#include "node/remote_tasks.h"

#include <gtest/gtest.h>

#include "node/node_pair.h"

namespace rayx::node {
namespace {

class RemoteTasksTest : public ::testing::Test {
 protected:
  RemoteTasks& home() { return nodes_.home().core().tasks().remote(); }

  NodePair nodes_;
  Peer& driver_ = nodes_.home().Driver(1);
  Peer& output_ = nodes_.home().Output(1);
};

TEST_F(RemoteTasksTest, LinesAndErrorsOfADriverReachItsHome) {
  ASSERT_TRUE(
      home()
          .OnMessage(NodePair::kSession,
                     remote::Printed{.driver = DriverNumber(1), .function = "f", .text = "line"})
          .ok());
  ASSERT_TRUE(
      home()
          .OnMessage(NodePair::kSession,
                     remote::TaskFailed{
                         .driver = DriverNumber(1), .name = "f", .kind = "E", .text = "why"})
          .ok());
  nodes_.Run();
  EXPECT_EQ(nodes_.told(),
            Lines({"print at c2 f of n2: line", "error at c2: why", "record E of f"}));
}

TEST_F(RemoteTasksTest, ASessionThatHasEndedIsNotHeard) {
  nodes_.Cut();
  EXPECT_FALSE(home().OnMessage(NodePair::kSession, remote::DriverGone{DriverNumber(1)}).ok());
  home().OnSessionEnded(NodePair::kSession, {.reason = "again"});
}

TEST_F(RemoteTasksTest, AFunctionIsAskedOfTheHomeOfItsDriver) {
  ASSERT_TRUE(nodes_.home()
                  .core()
                  .functions()
                  .OnExport(driver_, FunctionNumber(1), "f", Bytes("code"), {})
                  .ok());
  nodes_.home().Submit(driver_, Task(2));
  home().given().OnPlace(TaskNumber(2), 1, NodePair::kGuest());
  nodes_.Run();
  Peer& worker = nodes_.guest().Started(WorkerNumber(1));
  nodes_.Run();
  nodes_.guest().core().functions().OnFetch(worker, FunctionNumber(1));
  EXPECT_EQ(nodes_.Run(), Lines({"function f1 to c1: code"}));
}

TEST_F(RemoteTasksTest, ACancellationOfAGuestReachesTheHome) {
  nodes_.home().Submit(driver_, Task(2));
  ASSERT_TRUE(
      home()
          .OnMessage(NodePair::kSession, remote::CancelTask{DriverNumber(1), TaskNumber(2), false})
          .ok());
  EXPECT_FALSE(home().given().Contains(TaskNumber(2)));
}

}  // namespace
}  // namespace rayx::node
