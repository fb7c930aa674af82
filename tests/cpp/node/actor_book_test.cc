#include "node/actor_book.h"

#include <gtest/gtest.h>

#include "node/node_recorder.h"

namespace rayx::node {
namespace {

class ActorBookTest : public ::testing::Test {
 protected:
  // Task 1 makes an actor, on worker 1.
  Peer& Make(std::string name = "") {
    node_.Submit(driver_, Task(1).Creation(1, std::move(name)));
    EXPECT_EQ(node_.Turn().back(), "start w1");
    Peer& worker = node_.Started(WorkerNumber(1));
    EXPECT_EQ(node_.Turn(), Lines({"t1 to w1 as 0 config"}));
    node_.Done(worker, 1, 0, "actor");
    return worker;
  }
  void Release(Peer& peer, const ObjectId& id) {
    const std::vector<ObjectId> ids = {id};
    EXPECT_TRUE(node_.core().objects().OnRelease(peer, {}, ids).ok());
  }

  NodeRecorder node_;
  Peer& driver_ = node_.Driver(1);
};

TEST_F(ActorBookTest, EndsWhenNobodyRefersToIt) {
  Make();
  EXPECT_EQ(node_.Turn(), Lines({"actor t1 is alive", "objects to c1: t1.0=actor"}));
  Release(driver_, ResultOf(1));
  EXPECT_EQ(node_.Turn(), Lines({"deleted t1.0", "actor t1 is dead", "stop w1"}));
  node_.WorkerGone(WorkerNumber(1), 1);
  EXPECT_EQ(node_.Turn(), Lines({"ended t1", "actor t1 is forgotten"}));
}

TEST_F(ActorBookTest, ANameKeepsItAndFindsIt) {
  Make("bob");
  node_.Turn();
  Release(driver_, ResultOf(1));
  EXPECT_EQ(node_.Turn(), Lines());
  EXPECT_EQ(node_.core().actors().held(), 1u);
  ActorBook& actors = node_.core().actors();
  EXPECT_EQ(actors.FindNamed(node_.Driver(2), "bob"), nullptr) << "of another driver";
  ASSERT_NE(actors.FindNamed(driver_, "bob"), nullptr);
  actors.OnKill(driver_, TaskNumber(1));
  EXPECT_EQ(node_.Turn(), Lines({"actor t1 is dead", "kill w1"}));
  EXPECT_EQ(node_.core().actors().held(), 0u);
}

// A worker that does not know yet that its driver is gone.
TEST_F(ActorBookTest, ANameThatComesAfterTheEndOfItsDriverIsNotKept) {
  node_.Submit(driver_, Task(1));
  node_.Turn();
  Peer& worker = node_.Started(WorkerNumber(1));
  node_.Turn();
  node_.Gone(driver_);
  node_.Submit(worker, Task(2).Creation(1, "bob"));
  ASSERT_TRUE(node_.status().ok()) << node_.status().ToString();
  node_.Turn();
  node_.WorkerGone(WorkerNumber(1), 1);
  node_.Turn();
  EXPECT_EQ(node_.core().actors().held(), 0u);
  EXPECT_EQ(node_.core().store().Stats().objects, 0u);
}

// A worker submits a call that waits for a task, and then runs that task, which calls the actor.
TEST_F(ActorBookTest, ACallOfALaterRunDoesNotStandBehindOneThatWaits) {
  Make();
  node_.Turn();
  node_.Submit(driver_, Task(2).CallOf(1).InRun(1).DependsOn(ResultOf(9)));
  node_.Submit(driver_, Task(3).CallOf(1).InRun(1));
  EXPECT_EQ(node_.Turn(), Lines()) << "in the order of their run";
  node_.Submit(driver_, Task(4).CallOf(1).InRun(2));
  EXPECT_EQ(node_.Turn(), Lines({"t4 to w1 as 1"}));
}

TEST_F(ActorBookTest, OnlyItsOwnDriverKillsIt) {
  Make();
  node_.Turn();
  node_.core().actors().OnKill(node_.Driver(2), TaskNumber(1));
  node_.core().actors().OnKill(driver_, TaskNumber(5));
  EXPECT_EQ(node_.Turn(), Lines());
}

TEST_F(ActorBookTest, TheLastStateIsKeptAndGivenToWhoMakesItAnew) {
  node_.Submit(driver_, Task(1).Creation().Retries(1));
  EXPECT_EQ(node_.Turn().back(), "start w1");
  Peer& worker = node_.Started(WorkerNumber(1));
  node_.Turn();
  node_.Done(worker, 1, 0, "actor");
  for (uint64_t call = 2; call <= 3; ++call) {
    node_.Submit(driver_, Task(call).CallOf(1));
    node_.Turn();
    const ObjectId state = ObjectId::ForPut(TaskNumber(call), 0);
    ASSERT_TRUE(node_.core().objects().OnPut(worker, state, Bytes("state"), {}).ok());
    const TaskResult result{.index = 0, .data = Bytes("value"), .contained = {}};
    node_.Done(worker, {.task = TaskNumber(call),
                        .sequence = static_cast<uint32_t>(call - 1),
                        .results = {&result, 1},
                        .state = state});
    Release(worker, state);
    node_.Turn();
  }
  ASSERT_TRUE(node_.status().ok()) << node_.status().ToString();
  EXPECT_EQ(node_.core().actors().StateOf(TaskNumber(1)), ObjectId::ForPut(TaskNumber(3), 0));
  EXPECT_FALSE(node_.core().store().IsSealed(ObjectId::ForPut(TaskNumber(2), 0)));
  node_.WorkerGone(WorkerNumber(1), 3);
  EXPECT_EQ(node_.Turn(), Lines({"actor t1 is restarting", "start w2"}));
  node_.Started(WorkerNumber(2));
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w2 as 0 config state t3.put0"}));
}

}  // namespace
}  // namespace rayx::node
