#include "node/guest_actors.h"

#include <gtest/gtest.h>

#include "node/node_pair.h"

namespace rayx::node {
namespace {

class GuestActorsTest : public ::testing::Test {
 protected:
  GuestActorsTest() {
    nodes_.home().Submit(driver_, Task(2).Creation(1, "bob"));
    nodes_.home().Turn();
    nodes_.home().core().tasks().remote().OnPlace(TaskNumber(2), 1, NodePair::kGuest());
    nodes_.Run();
  }
  GuestActors& guest() { return nodes_.guest().core().tasks().remote().guest_actors(); }
  Status Hear(remote::Message message) {
    return nodes_.guest().core().tasks().remote().OnMessage(nodes_.session(), std::move(message));
  }
  Peer& Made() {
    Peer& worker = nodes_.guest().Started(WorkerNumber(1));
    nodes_.Run();
    nodes_.guest().Done(worker, 2, 0, "actor");
    nodes_.Run();
    return worker;
  }

  NodePair nodes_;
  Peer& driver_ = nodes_.home().Driver(1);
};

TEST_F(GuestActorsTest, ItHasNoNameHere) {
  Made();
  EXPECT_FALSE(nodes_.guest().core().scheduler().FindNamedActor(testing::DriverNumber(1), "bob"));
  EXPECT_EQ(nodes_.guest().core().actors().held(), 0u);
}

TEST_F(GuestActorsTest, ItLivesWithoutAReferenceHereAndKeepsNoRecord) {
  Made();
  EXPECT_EQ(nodes_.guest().core().store().Find(ResultOf(2)), std::nullopt);
  EXPECT_EQ(nodes_.guest().core().scheduler().FindActor(TaskNumber(2))->state, ActorState::kAlive);
  EXPECT_EQ(guest().AttemptOf(TaskNumber(2)), remote::kAttemptsPerPlacement);
}

TEST_F(GuestActorsTest, WhatAHomeMayNotSayIsABreach) {
  Made();
  EXPECT_FALSE(Hear(remote::MakeActor{.spec = Task(9).Driver(5).Creation().Build()}).ok())
      << "a driver that was not told";
  EXPECT_FALSE(Hear(remote::MakeActor{.spec = Task(9).Build()}).ok()) << "it makes no actor";
  EXPECT_FALSE(Hear(remote::CallActor{.spec = Task(9).Build(), .caller = {}}).ok());
  EXPECT_TRUE(Hear(remote::CallActor{.spec = Task(9).CallOf(2).Build(), .caller = {}}).ok());
  EXPECT_FALSE(Hear(remote::CallActor{.spec = Task(9).CallOf(2).Build(), .caller = {}}).ok())
      << "it is known";
}

TEST_F(GuestActorsTest, ACallOfAnActorThatHasEndedFailsAndItsHomeKnowsWhy) {
  Made();
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  nodes_.guest().Turn();
  EXPECT_EQ(guest().counts().all(), 0u);
  ASSERT_TRUE(Hear(remote::CallActor{.spec = Task(9).CallOf(2).Build(), .caller = {}}).ok());
  nodes_.Run();
  EXPECT_EQ(guest().counts().all(), 0u);
  EXPECT_EQ(nodes_.guest().core().store().Stats().objects, 0u);
  EXPECT_EQ(nodes_.home().core().scheduler().FindActor(TaskNumber(2))->state, ActorState::kDead);
}

TEST_F(GuestActorsTest, WhatFailsInItsCreationIsWhatTheHomeHas) {
  Peer& worker = nodes_.guest().Started(WorkerNumber(1));
  nodes_.Run();
  const TaskResult result{.index = 0, .data = Bytes("raised"), .contained = {}};
  nodes_.guest().Done(
      worker, {.task = TaskNumber(2), .sequence = 0, .results = {&result, 1}, .failed = true});
  nodes_.Run();
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  nodes_.Run();
  const auto found = nodes_.home().core().store().Find(ResultOf(2));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->data.size(), 6u);
  EXPECT_EQ(nodes_.home().core().scheduler().FindActor(TaskNumber(2))->cause,
            "its __init__ raised");
}

// A task of the same driver that runs at the guest, too, calls the actor.
class GuestCallersTest : public GuestActorsTest {
 protected:
  GuestCallersTest() {
    actor_ = &Made();
    nodes_.home().Submit(driver_, Task(3));
    nodes_.home().core().tasks().remote().OnPlace(TaskNumber(3), 1, NodePair::kGuest());
    nodes_.Run();
    caller_ = &nodes_.guest().Started(WorkerNumber(2));
    nodes_.Run();
  }

  Peer* actor_ = nullptr;
  Peer* caller_ = nullptr;
};

TEST_F(GuestCallersTest, WhoIsHereCallsItWithoutItsHome) {
  nodes_.guest().Submit(*caller_, Task(4).CallOf(2));
  EXPECT_EQ(nodes_.Run(), Lines({"t4 to w1 as 1"}));
  EXPECT_EQ(nodes_.home().core().scheduler().FindTask(TaskNumber(4)), nullptr);
  nodes_.guest().Done(*actor_, 4, 1, "four");
  EXPECT_EQ(nodes_.Run(), Lines({"ended t4", "objects to c2: t4.0=four"}));
}

TEST_F(GuestCallersTest, NoCallOvertakesOneThatHasGoneByTheHome) {
  Peer& peer = *caller_;
  guest().OnForwarded(peer, Task(5).CallOf(2).Build());
  nodes_.guest().core().store().AddClientReference(peer.id, ResultOf(5));
  EXPECT_FALSE(guest().Has(peer, Task(6).CallOf(2).Build()));
  ASSERT_TRUE(
      nodes_.guest().core().store().PutInline(kNoClient, ResultOf(5), Bytes("five"), {}).ok());
  EXPECT_TRUE(guest().Has(peer, Task(6).CallOf(2).Build())) << "it has begun, so all before have";
}

TEST_F(GuestCallersTest, WhatIsNotHereIsTheHomes) {
  EXPECT_FALSE(guest().Has(*caller_, Task(6).CallOf(9).Build())) << "another actor";
  EXPECT_FALSE(guest().Has(*caller_, Task(6).CallOf(2).Driver(4).Build())) << "another driver";
  EXPECT_FALSE(guest().Has(*caller_, Task(6).Build())) << "no call";
  nodes_.home().core().actors().OnKill(driver_, TaskNumber(2));
  nodes_.Run();
  EXPECT_FALSE(guest().Has(*caller_, Task(6).CallOf(2).Build())) << "why it is dead its home says";
}

TEST_F(GuestActorsTest, WithItsHomeItEnds) {
  Made();
  nodes_.Cut();
  EXPECT_EQ(nodes_.Run(), Lines({"kill w1"}));
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  nodes_.Run();
  EXPECT_EQ(guest().counts().all(), 0u);
  EXPECT_FALSE(nodes_.guest().core().scheduler().FindActor(TaskNumber(2)));
  EXPECT_EQ(nodes_.guest().core().store().Stats().objects, 0u);
}

TEST_F(GuestActorsTest, WhenItsDriverEndsNothingIsLeftAnywhere) {
  Made();
  nodes_.home().Submit(driver_, Task(3).CallOf(2));
  nodes_.Run();
  nodes_.home().Gone(driver_);
  nodes_.Run();
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  nodes_.Run();
  EXPECT_EQ(guest().counts().all(), 0u);
  EXPECT_EQ(nodes_.home().core().tasks().remote().given_actors().size(), 0u);
  EXPECT_EQ(nodes_.home().core().store().Stats().objects, 0u);
  EXPECT_EQ(nodes_.guest().core().store().Stats().objects, 0u);
}

}  // namespace
}  // namespace rayx::node
