#include "node/guest_tasks.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "common/base/limits.h"
#include "node/node_pair.h"

namespace rayx::node {
namespace {

class GuestTasksTest : public ::testing::Test {
 protected:
  GuestTasksTest() {
    nodes_.home().Submit(driver_, Task(2));
    nodes_.home().core().tasks().remote().given().OnPlace(TaskNumber(2), 1, NodePair::kGuest());
    nodes_.Run();
  }
  GuestTasks& guest() { return nodes_.guest().core().tasks().remote().guest(); }
  Peer& Begun() {
    Peer& worker = nodes_.guest().Started(WorkerNumber(1));
    nodes_.Run();
    return worker;
  }

  NodePair nodes_;
  Peer& driver_ = nodes_.home().Driver(1);
};

TEST_F(GuestTasksTest, AttemptsHaveTheNumbersOfTheirPlacement) {
  EXPECT_EQ(guest().AttemptOf(TaskNumber(2)), remote::kAttemptsPerPlacement);
  EXPECT_FALSE(guest().AttemptOf(TaskNumber(3)));
}

TEST_F(GuestTasksTest, AValueThatIsGoneIsNotTakenForThatOfATaskThatComesLater) {
  // It is wanted, comes, and is let go of, all in one turn: as found by the simulator, seed 12316.
  const ObjectId input = ResultOf(9);
  NodeRecorder& guest = nodes_.guest();
  RemoteTasks& remote = guest.core().tasks().remote();
  const ClientId home = nodes_.session();
  const ObjectId named[] = {input};
  guest.core().store().AddReference(input);
  guest.core().objects().remote().Named(home, named);
  guest.core().objects().remote().shared().WantHere(input);
  guest.Turn();
  ASSERT_TRUE(
      remote
          .OnMessage(home,
                     remote::ObjectsReady{{{.id = input, .is_inline = true, .data = "value"}}})
          .ok());
  ASSERT_TRUE(guest.core().store().IsSealed(input));
  guest.core().store().RemoveReference(input);
  ASSERT_FALSE(guest.core().store().IsSealed(input)) << "nobody refers to it";
  ASSERT_TRUE(remote
                  .OnMessage(home, remote::RunTask{.spec = Task(8).DependsOn(input).Build(),
                                                   .attempt = remote::kAttemptsPerPlacement})
                  .ok());
  guest.Turn();
  EXPECT_EQ(guest.core().scheduler().Stats().tasks_waiting, 1u) << "its input is not here";
}

TEST_F(GuestTasksTest, WhatIsInsideAValueThatWasMadeHereIsNotNamedByTheHome) {
  // Else the home is not told of it when it crosses: as found by the simulator, seed 87987.
  const ObjectId outer = ResultOf(9);
  const ObjectId inner = ResultOf(10);
  NodeRecorder& guest = nodes_.guest();
  RemoteTasks& remote = guest.core().tasks().remote();
  const ObjectId named[] = {outer};
  const ObjectId inside[] = {inner};
  guest.core().store().AddReference(outer);
  guest.core().objects().remote().Named(nodes_.session(), named);
  ASSERT_TRUE(guest.core().store().PutInline(kNoClient, outer, Bytes("own"), inside).ok());
  ASSERT_TRUE(
      remote
          .OnMessage(
              nodes_.session(),
              remote::ObjectsReady{
                  {{.id = outer, .is_inline = true, .data = "the home's", .contained = {inner}}}})
          .ok());
  EXPECT_EQ(guest.core().objects().remote().shared().Find(inner), nullptr);
}

TEST_F(GuestTasksTest, WhatItSubmitsRunsHereOrGoesToItsHome) {
  Peer& worker = Begun();
  nodes_.guest_offers = false;
  nodes_.guest().Submit(worker, Task(3));
  nodes_.guest().Submit(worker, Task(4).Cpus(64));
  nodes_.guest().Submit(worker, Task(5).Creation());
  nodes_.Run();
  EXPECT_NE(nodes_.guest().core().scheduler().FindTask(TaskNumber(3)), nullptr);
  EXPECT_EQ(nodes_.guest().core().scheduler().FindTask(TaskNumber(4)), nullptr);
  EXPECT_TRUE(nodes_.home().core().tasks().remote().given().Contains(TaskNumber(4)));
  EXPECT_TRUE(nodes_.home().core().scheduler().FindActor(TaskNumber(5)));
}

TEST_F(GuestTasksTest, WithItsHomeGoesAllOfADriver) {
  Begun();
  nodes_.Cut();
  EXPECT_EQ(nodes_.Run(), Lines({"kill w1"}));
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  nodes_.Run();
  EXPECT_EQ(guest().size(), 0u);
  EXPECT_EQ(nodes_.guest().core().drivers().size(), 0u);
  EXPECT_EQ(nodes_.guest().core().store().Stats().objects, 0u);
}

TEST_F(GuestTasksTest, ALaterSessionWaitsUntilNothingIsLeftOfTheOneBefore) {
  Begun();
  nodes_.Cut();
  nodes_.Join();
  nodes_.Run();
  nodes_.home().core().tasks().remote().given().OnPlace(TaskNumber(2), 2, NodePair::kGuest());
  nodes_.Run();
  EXPECT_EQ(nodes_.offers().back(), "offer t2 as 3") << "it was not run";
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  nodes_.Run();
  nodes_.home().core().tasks().remote().given().OnPlace(TaskNumber(2), 3, NodePair::kGuest());
  EXPECT_EQ(nodes_.Run(), Lines({"start w2"}));
}

TEST_F(GuestTasksTest, WhenItsDriverEndsTheTaskDoes) {
  Begun();
  nodes_.home().Gone(driver_);
  nodes_.Run();
  nodes_.guest().WorkerGone(WorkerNumber(1), 1);
  nodes_.Run();
  EXPECT_EQ(nodes_.home().core().tasks().remote().given().size(), 0u);
  EXPECT_EQ(nodes_.home().core().store().Stats().objects, 0u);
  EXPECT_EQ(nodes_.guest().core().store().Stats().objects, 0u);
}

// S35: a home that floods is given back what is too much, and the rest is as it was.
TEST_F(GuestTasksTest, MoreThanItMayHaveGoesBackAsNotRun) {
  // It has one.
  const auto last = static_cast<uint32_t>(2 + limits::kGuestTasksMax);
  for (uint32_t number = 3; number <= last; ++number) {
    nodes_.home().Submit(driver_, Task(number));
    nodes_.home().core().tasks().remote().given().OnPlace(TaskNumber(number), 1,
                                                          NodePair::kGuest());
  }
  nodes_.Run();
  EXPECT_EQ(guest().size(), limits::kGuestTasksMax);
  EXPECT_EQ(nodes_.offers().back(), "offer t" + std::to_string(last) + " as 2");
  EXPECT_EQ(nodes_.guest().core().scheduler().FindTask(TaskNumber(last)), nullptr);
}

TEST_F(GuestTasksTest, AMessageThatBreaksTheRulesIsRefused) {
  EXPECT_FALSE(guest().OnRun(NodePair::kSession, {.spec = Task(9).Driver(7).Build()}).ok());
  EXPECT_FALSE(guest().OnRun(NodePair::kSession, {.spec = Task(9).Creation().Build()}).ok());
  EXPECT_FALSE(guest().OnDriver(ClientId(77), {.driver = DriverNumber(1)}).ok());
}

}  // namespace
}  // namespace rayx::node
