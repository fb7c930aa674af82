#include "node/given_calls.h"

#include <gtest/gtest.h>

#include <string>

#include "node/node_pair.h"

namespace rayx::node {
namespace {

class GivenCallsTest : public ::testing::Test {
 protected:
  // Task 2 has made an actor at the guest, which may be made again there and elsewhere.
  GivenCallsTest() {
    nodes_.home().Submit(driver_, Task(2).Creation(1).Retries(2));
    nodes_.home().Turn();
    home().OnPlace(TaskNumber(2), 1, NodePair::kGuest());
    nodes_.Run();
    Peer& worker = nodes_.guest().Started(WorkerNumber(1));
    nodes_.Run();
    nodes_.guest().Done(worker, 2, 0, "actor");
    nodes_.Run();
  }
  void Call(uint64_t task) {
    nodes_.home().Submit(driver_, Task(task).CallOf(2));
    nodes_.home().Turn();
  }
  RemoteTasks& home() { return nodes_.home().core().tasks().remote(); }
  bool HasEnded(uint64_t task) { return nodes_.home().core().store().IsSealed(ResultOf(task)); }

  NodePair nodes_;
  Peer& driver_ = nodes_.home().Driver(1);
};

TEST_F(GivenCallsTest, ACallThatWaitsForRoomIsNotOvertaken) {
  nodes_.has_room = false;
  Call(3);
  nodes_.has_room = true;
  Call(4);
  EXPECT_EQ(nodes_.Run(), Lines({"t3 to w1 as 1", "t4 to w1 as 2"}));
}

TEST_F(GivenCallsTest, AnInterruptComesBehindItsCall) {
  nodes_.has_room = false;
  Call(3);
  Call(4);
  nodes_.home().core().tasks().OnCancel(driver_, TaskNumber(3), /*force=*/false);
  EXPECT_EQ(nodes_.Run(), Lines({}));
  nodes_.has_room = true;
  // Had it come first, there would have been nothing to interrupt.
  EXPECT_EQ(nodes_.Run(), Lines({"t4 to w1 as 1", "deleted t3.0"}));
  EXPECT_TRUE(HasEnded(3));
}

TEST_F(GivenCallsTest, OfALostNodeThoseThatWereNotSentHaveNotFailed) {
  Call(3);
  nodes_.has_room = false;
  Call(4);
  nodes_.Cut();
  nodes_.home().Turn();
  EXPECT_TRUE(HasEnded(3));
  EXPECT_FALSE(HasEnded(4));
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  nodes_.guest().Turn();
  nodes_.has_room = true;
  nodes_.Join();
  home().OnPlace(TaskNumber(2), 2, NodePair::kGuest());
  nodes_.Run();
  Peer& worker = nodes_.guest().Started(WorkerNumber(2));
  nodes_.Run();
  nodes_.guest().Done(worker, 2, 0, "actor");
  EXPECT_EQ(nodes_.Run().back(), "t4 to w2 as 1");
}

TEST_F(GivenCallsTest, WhatIsOverIsNotSent) {
  nodes_.has_room = false;
  Call(3);
  nodes_.home().core().actors().OnKill(driver_, TaskNumber(2));
  nodes_.Run();
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  nodes_.has_room = true;
  EXPECT_EQ(nodes_.Run(), Lines({"deleted t3.0"}));
  EXPECT_EQ(home().given_actors().size(), 0u);
}

}  // namespace
}  // namespace rayx::node
