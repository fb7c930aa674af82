#include "node/node_drain.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "node/node_pair.h"

namespace rayx::node {
namespace {

class NodeDrainTest : public ::testing::Test {
 protected:
  // Has the guest run it, or make its actor.
  void Place(Task&& task, uint64_t number, uint32_t attempt = 1) {
    nodes_.home().Submit(driver_, std::move(task));
    nodes_.home().Turn();
    Tasks(nodes_.home()).OnPlace(TaskNumber(number), attempt, NodePair::kGuest());
    nodes_.Run();
  }
  // The guest's worker 1 has made the actor of task 2, which may be made again.
  Peer& Make(int32_t restarts) {
    Place(Task(2).Creation(1).Retries(restarts), 2);
    Peer& worker = nodes_.guest().Started(WorkerNumber(1));
    nodes_.Run();
    nodes_.guest().Done(worker, 2, 0, "actor");
    nodes_.Run();
    nodes_.told();
    return worker;
  }
  NodeDrain& drain() { return nodes_.guest().core().drain(); }
  static RemoteTasks& Tasks(NodeRecorder& node) { return node.core().tasks().remote(); }
  ActorState State() { return nodes_.home().core().scheduler().FindActor(TaskNumber(2))->state; }
  bool HasEnded(uint64_t task) { return nodes_.home().core().store().IsSealed(ResultOf(task)); }

  NodePair nodes_;
  Peer& driver_ = nodes_.home().Driver(1);
};

TEST_F(NodeDrainTest, WithNothingToDoItIsDoneWhenAllHaveHeard) {
  drain().Begin();
  EXPECT_EQ(drain().left(), (NodeDrain::Left{.unheard = 1}));
  nodes_.Run();
  EXPECT_EQ(drain().left(), NodeDrain::Left());
  EXPECT_TRUE(nodes_.home().core().drain().IsDraining(NodePair::kGuest()));
  drain().Begin();
  nodes_.Run();
  EXPECT_EQ(drain().left(), NodeDrain::Left()) << "it had begun";
}

TEST_F(NodeDrainTest, WhatHasNotBegunGoesBackAndWhatRunsEnds) {
  Place(Task(2), 2);
  Peer& worker = nodes_.guest().Started(WorkerNumber(1));
  nodes_.Run();
  // Waits for a processor that the guest does not have free.
  Place(Task(3).Cpus(2), 3);
  drain().Begin();
  nodes_.Run();
  EXPECT_EQ(nodes_.offers().back(), "offer t3 as 2");
  EXPECT_EQ(drain().left().tasks, 1u);
  nodes_.guest().Done(worker, 2, 0, "two");
  nodes_.Run();
  EXPECT_TRUE(HasEnded(2));
  EXPECT_EQ(drain().left(), NodeDrain::Left());
}

TEST_F(NodeDrainTest, NothingIsPlacedThereAnyMore) {
  drain().Begin();
  nodes_.home().Submit(driver_, Task(2));
  nodes_.home().Submit(driver_, Task(3).Creation(1));
  nodes_.home().Turn();
  // It has not heard yet.
  for (const uint64_t task : {2, 3}) {
    Tasks(nodes_.home()).OnPlace(TaskNumber(task), 1, NodePair::kGuest());
  }
  EXPECT_EQ(nodes_.Run(), Lines({}));
  EXPECT_EQ(drain().left(), NodeDrain::Left());
  // It has by now.
  Tasks(nodes_.home()).OnPlace(TaskNumber(2), 2, NodePair::kGuest());
  nodes_.Run();
  EXPECT_EQ(nodes_.offers().back(), "offer t2 as 3");
}

TEST_F(NodeDrainTest, AnActorMovesWhenItsCallsHaveEnded) {
  Peer& worker = Make(/*restarts=*/1);
  nodes_.home().Submit(driver_, Task(3).CallOf(2));
  nodes_.Run();
  drain().Begin();
  nodes_.Run();
  nodes_.home().Submit(driver_, Task(4).CallOf(2));
  EXPECT_EQ(nodes_.Run(), Lines({})) << "what is called now waits";
  nodes_.guest().Done(worker, 3, 1, "three");
  EXPECT_EQ(nodes_.Run(), Lines({"deleted t3.0", "stop w1"}));
  nodes_.guest().WorkerGone(WorkerNumber(1), 2);
  nodes_.Run();
  EXPECT_TRUE(HasEnded(3));
  EXPECT_FALSE(HasEnded(4));
  EXPECT_EQ(State(), ActorState::kRestarting);
  EXPECT_EQ(nodes_.home().core().scheduler().FindActor(TaskNumber(2))->restarts, 0u);
  EXPECT_EQ(nodes_.offers().back(), "offer t2 as 2");
  EXPECT_EQ(drain().left(), NodeDrain::Left());
}

TEST_F(NodeDrainTest, AnActorThatMayNotBeMadeAgainStays) {
  Make(/*restarts=*/0);
  drain().Begin();
  EXPECT_EQ(nodes_.Run(), Lines({}));
  EXPECT_EQ(State(), ActorState::kAlive);
  EXPECT_EQ(drain().left().actors, 1u);
}

TEST_F(NodeDrainTest, WhatNobodySaidWouldBeDrainedIsABreach) {
  const ClientId session = nodes_.session();
  EXPECT_FALSE(Tasks(nodes_.guest()).OnMessage(session, remote::DrainHeard{}).ok());
  EXPECT_FALSE(Tasks(nodes_.guest()).OnMessage(session, remote::MoveActor{{}, TaskNumber(2)}).ok());
  EXPECT_FALSE(Tasks(nodes_.home()).OnMessage(session, remote::TakeOver{{ResultOf(2)}}).ok());
  EXPECT_TRUE(Tasks(nodes_.home()).OnMessage(session, remote::NodeDrains{}).ok());
  EXPECT_FALSE(Tasks(nodes_.home()).OnMessage(session, remote::NodeDrains{}).ok());
}

TEST_F(NodeDrainTest, TheEndOfASessionIsTheEndOfWhatWasSaidInIt) {
  drain().Begin();
  nodes_.is_unreachable = true;
  nodes_.Cut();
  EXPECT_EQ(drain().left().unheard, 0u);
  nodes_.is_unreachable = false;
  nodes_.Join();
  nodes_.Run();
  EXPECT_TRUE(nodes_.home().core().drain().IsDraining(NodePair::kGuest()));
}

}  // namespace
}  // namespace rayx::node
