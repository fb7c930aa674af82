#include "node/name_questions.h"

#include <gtest/gtest.h>

#include <optional>

#include "node/node_pair.h"

namespace rayx::node {
namespace {

class NameQuestionsTest : public ::testing::Test {
 protected:
  NameQuestionsTest() {
    nodes_.home().Submit(driver_, Task(1));
    nodes_.home().core().tasks().remote().OnPlace(TaskNumber(1), 1, NodePair::kGuest());
    nodes_.Run();
    worker_ = &nodes_.guest().Started(WorkerNumber(1));
    nodes_.Run();
  }
  // "?": not answered; "none"; or which actor.
  void Ask(NodeRecorder& node, const Peer& peer) {
    answer_ = "?";
    node.core().tasks().remote().names().Ask(peer, "bob", [this](const TaskSpec* creation) {
      answer_ =
          creation == nullptr ? "none" : "t" + std::to_string(testing::NumberOf(creation->id));
    });
  }
  void MakeBob() {
    nodes_.home().Submit(driver_, Task(2).Creation(1, "bob"));
    nodes_.home().Turn();
  }

  NodePair nodes_;
  Peer& driver_ = nodes_.home().Driver(1);
  Peer* worker_ = nullptr;
  std::string answer_ = "?";
};

TEST_F(NameQuestionsTest, AClientOfTheHomeIsAnsweredAtOnce) {
  Ask(nodes_.home(), driver_);
  EXPECT_EQ(answer_, "none");
  MakeBob();
  Ask(nodes_.home(), driver_);
  EXPECT_EQ(answer_, "t2");
}

TEST_F(NameQuestionsTest, ATaskElsewhereIsAnsweredByTheHome) {
  MakeBob();
  Ask(nodes_.guest(), *worker_);
  EXPECT_EQ(answer_, "?");
  nodes_.Run();
  EXPECT_EQ(answer_, "t2");
  EXPECT_NE(nodes_.guest().core().objects().remote().shared().Find(ResultOf(2)), nullptr)
      << "it refers to the actor";
  EXPECT_EQ(nodes_.guest().core().tasks().remote().names().size(), 0u);
}

TEST_F(NameQuestionsTest, ThereIsNone) {
  Ask(nodes_.guest(), *worker_);
  nodes_.Run();
  EXPECT_EQ(answer_, "none");
}

TEST_F(NameQuestionsTest, NobodyWaitsForAHomeThatIsGone) {
  Ask(nodes_.guest(), *worker_);
  nodes_.Cut();
  EXPECT_EQ(answer_, "none");
  EXPECT_EQ(nodes_.guest().core().tasks().remote().names().size(), 0u);
}

TEST_F(NameQuestionsTest, WhoIsGoneIsNotAnswered) {
  MakeBob();
  Ask(nodes_.guest(), *worker_);
  nodes_.guest().Gone(*worker_);
  nodes_.Run();
  EXPECT_EQ(answer_, "?");
  EXPECT_EQ(nodes_.guest().core().objects().remote().shared().Find(ResultOf(2)), nullptr);
}

TEST_F(NameQuestionsTest, AnAnswerThatNobodyAskedForIsABreach) {
  const Status heard = nodes_.guest().core().tasks().remote().OnMessage(
      nodes_.session(), remote::ActorFound{.driver = testing::DriverNumber(1), .number = 5});
  EXPECT_FALSE(heard.ok());
}

}  // namespace
}  // namespace rayx::node
