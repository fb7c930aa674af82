#include "node/given_actors.h"

#include <gtest/gtest.h>

#include <string>

#include "node/node_pair.h"

namespace rayx::node {
namespace {

class GivenActorsTest : public ::testing::Test {
 protected:
  // Task 2 makes an actor, which the guest has.
  Peer& Make(int32_t restarts = 0, std::string name = "") {
    nodes_.home().Submit(driver_, Task(2).Creation(1, std::move(name)).Retries(restarts));
    Place(1);
    return Made(WorkerNumber(1));
  }
  void Place(uint32_t attempt, NodeId node = NodePair::kGuest()) {
    nodes_.home().Turn();
    home().OnPlace(TaskNumber(2), attempt, node);
  }
  // The guest's worker has made it.
  Peer& Made(WorkerNumber number) {
    EXPECT_EQ(nodes_.Run(), Lines({"start w" + number.ToString()}));
    Peer& worker = nodes_.guest().Started(number);
    nodes_.Run();
    nodes_.guest().Done(worker, 2, 0, "actor");
    nodes_.Run();
    nodes_.told();
    return worker;
  }
  RemoteTasks& home() { return nodes_.home().core().tasks().remote(); }
  RemoteTasks& guest() { return nodes_.guest().core().tasks().remote(); }
  ActorState State() { return nodes_.home().core().scheduler().FindActor(TaskNumber(2))->state; }

  NodePair nodes_;
  Peer& driver_ = nodes_.home().Driver(1);
};

TEST_F(GivenActorsTest, AnActorIsMadeElsewhereAndCalledInOrder) {
  Peer& worker = Make();
  EXPECT_EQ(State(), ActorState::kAlive);
  EXPECT_EQ(home().given_actors().PlaceOf(TaskNumber(2)).node, NodePair::kGuest());
  nodes_.home().Submit(driver_, Task(3).CallOf(2));
  nodes_.home().Submit(driver_, Task(4).CallOf(2));
  EXPECT_EQ(nodes_.Run(), Lines({"t3 to w1 as 1", "t4 to w1 as 2"}));
  nodes_.guest().Done(worker, 3, 1, "three");
  nodes_.guest().Done(worker, 4, 2, "four");
  nodes_.Run();
  EXPECT_EQ(nodes_.told(), Lines({"ended t3", "ended t4", "objects to c1: t3.0=three t4.0=four"}));
}

TEST_F(GivenActorsTest, WithItsLastHandleItEndsAtItsNode) {
  Make();
  const std::vector<ObjectId> handle = {ResultOf(2)};
  ASSERT_TRUE(nodes_.home().core().objects().OnRelease(driver_, {}, handle).ok());
  EXPECT_EQ(nodes_.Run(), Lines({"stop w1"}));
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  nodes_.Run();
  EXPECT_FALSE(nodes_.home().core().scheduler().FindActor(TaskNumber(2)));
  EXPECT_FALSE(nodes_.guest().core().scheduler().FindActor(TaskNumber(2)));
  EXPECT_EQ(home().given_actors().size() + guest().guest_actors().counts().all(), 0u);
  EXPECT_EQ(nodes_.home().core().store().Stats().objects, 0u);
  EXPECT_EQ(nodes_.guest().core().store().Stats().objects, 0u);
  EXPECT_EQ(nodes_.offers().back(), "withdraw t2");
}

TEST_F(GivenActorsTest, KilledItsCallsFailAtOnceOrWithItsWorker) {
  Make();
  nodes_.home().Submit(driver_, Task(3).CallOf(2));
  nodes_.Run();
  nodes_.home().core().actors().OnKill(driver_, TaskNumber(2));
  EXPECT_EQ(nodes_.Run(), Lines({"kill w1"}));
  nodes_.guest().WorkerGone(WorkerNumber(1), 2);
  nodes_.Run();
  EXPECT_TRUE(nodes_.home().core().store().IsSealed(ResultOf(3)));
  EXPECT_EQ(State(), ActorState::kDead);
  EXPECT_EQ(nodes_.home().core().scheduler().FindActor(TaskNumber(2))->cause,
            "it was ended by rayx.kill()");
}

TEST_F(GivenActorsTest, AfterTheEndOfItsNodeItIsMadeAgainAndCallsThatWereSentHaveFailed) {
  Make(/*restarts=*/1);
  nodes_.home().Submit(driver_, Task(3).CallOf(2));
  nodes_.Run();
  nodes_.Cut();
  nodes_.home().Submit(driver_, Task(4).CallOf(2));
  nodes_.home().Turn();
  EXPECT_EQ(State(), ActorState::kRestarting);
  EXPECT_EQ(nodes_.offers().back(), "offer t2 as 2");
  EXPECT_TRUE(nodes_.home().core().store().IsSealed(ResultOf(3))) << "it may have begun";
  EXPECT_FALSE(nodes_.home().core().store().IsSealed(ResultOf(4))) << "it waits";
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  nodes_.guest().Turn();
  nodes_.Join();
  Place(2);
  Made(WorkerNumber(2));
  EXPECT_EQ(State(), ActorState::kAlive);
  EXPECT_EQ(nodes_.home().core().scheduler().FindActor(TaskNumber(2))->restarts, 1u);
  EXPECT_NE(nodes_.guest().core().scheduler().FindTask(TaskNumber(4)), nullptr) << "it was sent";
}

TEST_F(GivenActorsTest, WithoutRestartsItIsDeadWithItsNode) {
  Make();
  nodes_.Cut();
  nodes_.home().Turn();
  EXPECT_EQ(State(), ActorState::kDead);
  const std::string cause = nodes_.home().core().scheduler().FindActor(TaskNumber(2))->cause;
  EXPECT_NE(cause.find("its node"), std::string::npos) << cause;
  EXPECT_NE(cause.find("it was cut"), std::string::npos) << cause;
}

TEST_F(GivenActorsTest, CallsThatNobodyCanHaveHeardOfAreSentAgain) {
  Make(/*restarts=*/1);
  nodes_.is_unreachable = true;
  nodes_.home().Submit(driver_, Task(3).CallOf(2));
  nodes_.Run();
  nodes_.Cut();
  nodes_.home().Turn();
  EXPECT_FALSE(nodes_.home().core().store().IsSealed(ResultOf(3)));
}

TEST_F(GivenActorsTest, RestartsAtItsNodeCountAtItsHome) {
  Make(/*restarts=*/1);
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  Made(WorkerNumber(2));
  EXPECT_EQ(nodes_.home().core().scheduler().FindActor(TaskNumber(2))->restarts, 1u);
  EXPECT_EQ(State(), ActorState::kAlive);
  nodes_.guest().WorkerGone(WorkerNumber(2), 1);
  nodes_.Run();
  EXPECT_EQ(State(), ActorState::kDead) << "there was one restart, and that is used up";
}

TEST_F(GivenActorsTest, ItsHomeMayHaveItAfterAll) {
  nodes_.home().Submit(driver_, Task(2).Creation());
  Place(1, NodePair::kHome());
  EXPECT_EQ(nodes_.home().Turn(), Lines({"start w2"})) << "w1 stood for one of another node";
  Peer& worker = nodes_.home().Started(WorkerNumber(2));
  EXPECT_EQ(nodes_.home().Turn(), Lines({"t2 to w2 as 0 config"}));
  nodes_.home().Done(worker, 2, 0, "actor");
  nodes_.home().Turn();
  EXPECT_EQ(State(), ActorState::kAlive);
  EXPECT_TRUE(home().given_actors().PlaceOf(TaskNumber(2)).node.IsNil());
  EXPECT_EQ(home().FirstAttemptOf(TaskNumber(2)), remote::kAttemptsPerPlacement);
}

TEST_F(GivenActorsTest, APlacementThatIsNotOpenIsNotHeeded) {
  nodes_.home().Submit(driver_, Task(2).Creation());
  Place(7);
  EXPECT_EQ(nodes_.Run(), Lines());
  nodes_.home().core().actors().OnKill(driver_, TaskNumber(2));
  home().OnPlace(TaskNumber(2), 1, NodePair::kGuest());
  EXPECT_EQ(nodes_.Run(), Lines()) << "it is dead";
  EXPECT_EQ(nodes_.offers().back(), "withdraw t2");
}

TEST_F(GivenActorsTest, MoreRestartsThanAPlacementHasAreABreach) {
  Make(/*restarts=*/1);
  const remote::ActorEnded ended{.actor = TaskNumber(2),
                                 .attempt = remote::kAttemptsPerPlacement,
                                 .outcome = remote::Outcome::kCrashed,
                                 .restarts = remote::kAttemptsPerPlacement};
  EXPECT_FALSE(home().OnMessage(nodes_.session(), ended).ok());
  EXPECT_EQ(State(), ActorState::kAlive);
}

TEST_F(GivenActorsTest, NoNodeCanHaveIt) {
  nodes_.home().Submit(driver_, Task(2).Creation());
  nodes_.home().Turn();
  home().OnUnplaceable(TaskNumber(2), 1, "no node has that", /*for_ever=*/false);
  EXPECT_NE(home().given_actors().Explain(driver_.driver, TaskNumber(2)).find("no node has that"),
            std::string::npos);
  home().OnUnplaceable(TaskNumber(2), 1, "no node has that", /*for_ever=*/true);
  nodes_.home().Turn();
  EXPECT_EQ(State(), ActorState::kDead);
  EXPECT_TRUE(nodes_.home().core().store().IsSealed(ResultOf(2)));
}

TEST_F(GivenActorsTest, ItExplainsWhereThingsAre) {
  Make();
  nodes_.home().Submit(driver_, Task(3).CallOf(2));
  nodes_.Run();
  const std::string node = NodePair::kGuest().Hex();
  const GivenActors& given = home().given_actors();
  EXPECT_NE(given.Explain(driver_.driver, TaskNumber(2)).find(node), std::string::npos);
  EXPECT_NE(given.Explain(driver_.driver, TaskNumber(3)).find(node), std::string::npos);
  EXPECT_EQ(given.Explain(testing::DriverNumber(2), TaskNumber(3)), "") << "of another driver";
}

TEST_F(GivenActorsTest, WhatItSavesIsWhatItIsWhenItIsMadeAgain) {
  Peer& worker = Make(/*restarts=*/1);
  nodes_.home().Submit(driver_, Task(3).CallOf(2));
  nodes_.Run();
  const ObjectId state = ObjectId::ForPut(TaskNumber(3), 0);
  NodeCore& guest = nodes_.guest().core();
  ASSERT_TRUE(guest.objects().OnPut(worker, state, Bytes("saved"), {}).ok());
  const TaskResult result{.index = 0, .data = Bytes("three"), .contained = {}};
  nodes_.guest().Done(
      worker, {.task = TaskNumber(3), .sequence = 1, .results = {&result, 1}, .state = state});
  nodes_.Run();
  EXPECT_EQ(nodes_.home().core().actors().StateOf(TaskNumber(2)), state);
  nodes_.Cut();
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  nodes_.guest().Turn();
  nodes_.Join();
  Place(2);
  EXPECT_EQ(nodes_.Run(), Lines({"start w2"}));
  nodes_.guest().Started(WorkerNumber(2));
  EXPECT_EQ(nodes_.Run(), Lines({"t2 to w2 as 0 config state t3.put0"}));
}

}  // namespace
}  // namespace rayx::node
