#include "node/given_tasks.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "node/node_pair.h"

namespace rayx::node {
namespace {

class GivenTasksTest : public ::testing::Test {
 protected:
  GivenTasks& given() { return nodes_.home().core().tasks().remote().given(); }

  NodePair nodes_;
  Peer& driver_ = nodes_.home().Driver(1);
};

TEST_F(GivenTasksTest, ATaskIsOfferedWhenItsInputsHaveValuesAnywhere) {
  nodes_.home().Submit(driver_, Task(2).DependsOn(ResultOf(1)));
  EXPECT_EQ(nodes_.offers(), Lines());
  EXPECT_TRUE(given().Contains(TaskNumber(2)));
  const ObjectId input = ResultOf(1);
  ASSERT_TRUE(nodes_.home().core().objects().OnPut(driver_, input, Bytes("a"), {}).ok());
  nodes_.Run();
  EXPECT_EQ(nodes_.offers(), Lines{"offer t2 as 1"});
}

TEST_F(GivenTasksTest, OnlyWhatIsOpenIsPlaced) {
  nodes_.home().Submit(driver_, Task(2));
  given().OnPlace(TaskNumber(2), 7, NodePair::kGuest());
  given().OnPlace(TaskNumber(3), 1, NodePair::kGuest());
  EXPECT_EQ(nodes_.Run(), Lines()) << "another attempt, another task";
  EXPECT_EQ(nodes_.offers(), Lines{"offer t2 as 1"});
  given().OnPlace(TaskNumber(2), 1, NodePair::kGuest());
  EXPECT_EQ(nodes_.Run(), Lines({"start w1"}));
}

TEST_F(GivenTasksTest, ThePlacedTaskComesBackWithItsResult) {
  nodes_.home().Submit(driver_, Task(2));
  given().OnPlace(TaskNumber(2), 1, NodePair::kGuest());
  nodes_.Run();
  Peer& worker = nodes_.guest().Started(WorkerNumber(1));
  EXPECT_EQ(nodes_.Run(), Lines({"t2 to w1 as 0 config"}));
  nodes_.guest().Done(worker, 2, 0, "result");
  nodes_.Run();
  EXPECT_EQ(nodes_.told(), Lines({"ended t2", "objects to c1: t2.0=result"}));
  EXPECT_EQ(nodes_.offers(), Lines({"offer t2 as 1", "withdraw t2"}));
  EXPECT_EQ(given().size(), 0u);
  EXPECT_EQ(nodes_.guest().core().store().Stats().objects, 0u);
}

TEST_F(GivenTasksTest, TheLossOfTheNodeCostsAnAttempt) {
  nodes_.home().Submit(driver_, Task(2).Retries(1));
  given().OnPlace(TaskNumber(2), 1, NodePair::kGuest());
  nodes_.Run();
  nodes_.Cut();
  EXPECT_EQ(nodes_.offers().back(), "offer t2 as 2");
  nodes_.Run();
  nodes_.Join();
  given().OnPlace(TaskNumber(2), 2, NodePair::kGuest());
  nodes_.Run();
  nodes_.Cut();
  nodes_.Run();
  EXPECT_EQ(nodes_.offers().back(), "withdraw t2");
  EXPECT_EQ(given().size(), 0u);
  EXPECT_TRUE(nodes_.home().core().store().IsSealed(ResultOf(2)));
}

TEST_F(GivenTasksTest, AnEndThatWasNotWaitedForIsABreach) {
  nodes_.home().Submit(driver_, Task(2));
  EXPECT_FALSE(given().OnEnded(NodePair::kSession, {.task = TaskNumber(2)}).ok());
  given().OnPlace(TaskNumber(2), 1, NodePair::kGuest());
  EXPECT_FALSE(given().OnEnded(NodePair::kSession, {.task = TaskNumber(2), .attempt = 0}).ok())
      << "of another attempt";
}

TEST_F(GivenTasksTest, WhatNoNodeCanRunFails) {
  nodes_.home().Submit(driver_, Task(2));
  given().OnUnplaceable(TaskNumber(2), 1, "no node has it", /*for_ever=*/true);
  nodes_.Run();
  EXPECT_TRUE(nodes_.home().core().store().IsSealed(ResultOf(2)));
  EXPECT_EQ(given().size(), 0u);
}

TEST_F(GivenTasksTest, WhatIsPlacedHereHasNumbersOfItsOwn) {
  nodes_.home().Submit(driver_, Task(2));
  given().OnPlace(TaskNumber(2), 1, NodePair::kHome());
  EXPECT_EQ(given().AttemptOf(TaskNumber(2)), remote::kAttemptsPerPlacement);
  nodes_.Run();
  Peer& worker = nodes_.home().Started(WorkerNumber(1));
  nodes_.Run();
  nodes_.home().Done(worker, 2, 0, "result");
  nodes_.Run();
  EXPECT_EQ(nodes_.offers(), Lines({"offer t2 as 1", "withdraw t2"}));
}

TEST_F(GivenTasksTest, ANodeThatHasNotHeardOfItCostsNoAttempt) {
  nodes_.is_unreachable = true;
  nodes_.home().Submit(driver_, Task(2).Retries(0));
  for (uint32_t offer = 1; offer < 4; ++offer) {
    given().OnPlace(TaskNumber(2), offer, NodePair::kGuest());
    nodes_.Run();
    nodes_.Cut();
    nodes_.Run();
    EXPECT_EQ(nodes_.offers().back(), "offer t2 as " + std::to_string(offer + 1));
    nodes_.Join();
  }
  nodes_.is_unreachable = false;
  given().OnPlace(TaskNumber(2), 4, NodePair::kGuest());
  nodes_.Run();
  nodes_.Cut();
  nodes_.Run();
  EXPECT_FALSE(given().Contains(TaskNumber(2))) << "it may have begun";
}

TEST_F(GivenTasksTest, ATaskIsCancelledWhereverItIs) {
  nodes_.home().Submit(driver_, Task(2));
  nodes_.home().Submit(driver_, Task(3));
  nodes_.home().core().tasks().OnCancel(driver_, TaskNumber(2), /*force=*/false);
  EXPECT_FALSE(given().Contains(TaskNumber(2)));
  given().OnPlace(TaskNumber(3), 1, NodePair::kGuest());
  nodes_.Run();
  nodes_.home().core().tasks().OnCancel(driver_, TaskNumber(3), /*force=*/false);
  nodes_.Run();
  EXPECT_EQ(given().size(), 0u);
  EXPECT_EQ(nodes_.guest().core().tasks().remote().guest().size(), 0u);
}

TEST_F(GivenTasksTest, ItSaysWhereATaskIs) {
  const auto explain = [this](uint64_t driver) {
    return given().Explain(testing::DriverNumber(driver), TaskNumber(2));
  };
  nodes_.home().Submit(driver_, Task(2).DependsOn(ResultOf(1)));
  EXPECT_NE(explain(1).find("waits for 1 of its inputs"), std::string::npos) << explain(1);
  EXPECT_EQ(explain(7), "") << "of another driver";
  ASSERT_TRUE(nodes_.home().core().objects().OnPut(driver_, ResultOf(1), Bytes("a"), {}).ok());
  nodes_.Run();
  EXPECT_NE(explain(1).find("No node has been chosen"), std::string::npos) << explain(1);
  given().OnUnplaceable(TaskNumber(2), 1, "no node has {disk: 1}.", /*for_ever=*/false);
  EXPECT_NE(explain(1).find("no node has {disk: 1}."), std::string::npos) << explain(1);
  given().OnPlace(TaskNumber(2), 1, NodePair::kGuest());
  EXPECT_NE(explain(1).find(NodePair::kGuest().Hex()), std::string::npos) << explain(1);
}

TEST_F(GivenTasksTest, ThoseThatThereAreAreListed) {
  nodes_.home().Submit(driver_, Task(3).DependsOn(ResultOf(1)));
  nodes_.home().Submit(driver_, Task(2));
  nodes_.home().Submit(driver_, Task(4));
  given().OnPlace(TaskNumber(2), 1, NodePair::kGuest());
  given().OnPlace(TaskNumber(4), 1, NodePair::kHome());
  std::vector<std::pair<uint64_t, GivenTasks::State>> listed;
  for (const GivenTasks::Summary& one : given().Summaries()) {
    listed.emplace_back(testing::NumberOf(one.spec->id), one.state);
  }
  EXPECT_EQ(listed,
            (std::vector<std::pair<uint64_t, GivenTasks::State>>{{2, GivenTasks::State::kPlaced},
                                                                 {3, GivenTasks::State::kWaiting},
                                                                 {4, GivenTasks::State::kHere}}));
}

TEST_F(GivenTasksTest, OnceADriverIsToldThatNoNodeCanRunWhatItAsksFor) {
  Peer& output = nodes_.home().Output(1);
  nodes_.home().Submit(driver_, Task(2));
  nodes_.home().Submit(driver_, Task(3));
  nodes_.Run();
  (void)nodes_.told();
  given().OnUnplaceable(TaskNumber(2), 1, "no node has {disk: 1}.", /*for_ever=*/false);
  given().OnUnplaceable(TaskNumber(3), 1, "no node has {disk: 1}.", /*for_ever=*/false);
  given().OnUnplaceable(TaskNumber(3), 7, "another attempt", /*for_ever=*/false);
  nodes_.Run();
  const Lines told = nodes_.told();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find("no node has {disk: 1}."), std::string::npos) << told[0];
  EXPECT_NE(told[0].find("print at c" + output.id.ToString()), std::string::npos) << told[0];
}

}  // namespace
}  // namespace rayx::node
