#include "transfer/directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "transfer/transfer_ids.h"

namespace rayx::transfer {
namespace {

constexpr Version kVersion = 7;

class DirectoryTest : public ::testing::Test {
 protected:
  void Make(uint8_t node) { directory_.OnMade(id_, kVersion, 100, Node(node)); }
  void Ask(uint8_t node, NodeId failed = {}, bool has_progressed = false) {
    directory_.On(
        Node(node),
        AskSource{
            .id = id_, .number = ++number_, .failed = failed, .has_progressed = has_progressed});
  }
  // The source that the only answer names; nil if there is no answer.
  NodeId Source(uint8_t to) {
    const auto answers = directory_.TakeAnswers();
    if (answers.empty()) return {};
    EXPECT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].to, Node(to));
    const auto* use = std::get_if<UseSource>(&answers[0].message);
    EXPECT_NE(use, nullptr);
    return use == nullptr ? NodeId() : use->source;
  }
  template <typename Message>
  size_t Count(const std::vector<Directory::Answer>& answers) {
    return static_cast<size_t>(std::ranges::count_if(
        answers, [](const auto& one) { return std::holds_alternative<Message>(one.message); }));
  }
  ~DirectoryTest() override { EXPECT_EQ(directory_.Audit(), ""); }

  const ObjectId id_ = Object(1);
  uint64_t number_ = 0;
  Directory directory_;
};

TEST_F(DirectoryTest, TheMakerIsASource) {
  Make(1);
  Ask(2);
  const auto answers = directory_.TakeAnswers();
  ASSERT_EQ(answers.size(), 1u);
  const auto& use = std::get<UseSource>(answers[0].message);
  EXPECT_EQ(use.source, Node(1));
  EXPECT_EQ(use.number, 1u);
  EXPECT_EQ(use.version, kVersion);
  EXPECT_EQ(use.size_bytes, 100u);
}

TEST_F(DirectoryTest, NobodyHasWhatIsNotKnown) {
  Ask(2);
  EXPECT_EQ(Count<NoSource>(directory_.TakeAnswers()), 1u);
}

// A broadcast to many: nobody gives to more than two, and the way to the maker is short.
TEST_F(DirectoryTest, CopiesFormATree) {
  Make(0);
  std::map<NodeId, NodeId> source_of;
  for (uint8_t node = 1; node <= 62; ++node) {
    Ask(node);
    source_of[Node(node)] = Source(node);
  }
  std::map<NodeId, int> pullers;
  size_t longest = 0;
  for (const auto& [node, source] : source_of) {
    ++pullers[source];
    size_t steps = 1;
    for (NodeId at = source; at != Node(0); at = source_of.at(at)) ++steps;
    longest = std::max(longest, steps);
  }
  for (const auto& [node, count] : pullers) EXPECT_LE(count, 2);
  EXPECT_EQ(longest, 5u);
}

TEST_F(DirectoryTest, WhoHasAllGivesItsPlaceToTheNext) {
  Make(0);
  Ask(1);
  Ask(2);
  directory_.TakeAnswers();
  directory_.On(Node(1), CopyWhole{.id = id_, .version = kVersion});
  Ask(3);
  // Both have room; the maker has one puller, and the new copy none.
  EXPECT_EQ(Source(3), Node(1));
  EXPECT_EQ(directory_.WholeCopies(id_).size(), 2u);
}

TEST_F(DirectoryTest, ASourceThatFailedIsTheLastResortAndTakesTime) {
  Make(0);
  directory_.OnTurn(1000);
  Ask(1);
  EXPECT_EQ(Source(1), Node(0));
  Ask(1, Node(0));
  EXPECT_EQ(Source(1), NodeId());
  EXPECT_EQ(directory_.NextTickMs(), 1000 + Directory::kRetryMs);
  directory_.OnTurn(1000 + Directory::kRetryMs - 1);
  EXPECT_EQ(Source(1), NodeId());
  directory_.OnTurn(1000 + Directory::kRetryMs);
  EXPECT_EQ(Source(1), Node(0));
  EXPECT_EQ(directory_.NextTickMs(), std::nullopt);
}

TEST_F(DirectoryTest, AnotherSourceIsTriedFirst) {
  Make(0);
  directory_.On(Node(5), CopyWhole{.id = id_, .version = kVersion});
  Ask(1);
  const NodeId first = Source(1);
  Ask(1, first);
  const NodeId second = Source(1);
  EXPECT_NE(first, second);
  EXPECT_FALSE(second.IsNil());
}

TEST_F(DirectoryTest, WhoCanReachNobodyIsToldSoInTheEnd) {
  Make(0);
  Ask(1);
  int64_t now_ms = 0;
  for (uint32_t failures = 0; failures < Directory::kFailuresMax; ++failures) {
    EXPECT_EQ(Source(1), Node(0));
    Ask(1, Node(0));
    now_ms += Directory::kRetryMsMax;
    directory_.OnTurn(now_ms);
  }
  EXPECT_EQ(Source(1), Node(0));
  Ask(1, Node(0));
  EXPECT_EQ(Count<NoSource>(directory_.TakeAnswers()), 1u);
  // Others can.
  Ask(2);
  EXPECT_EQ(Source(2), Node(0));
}

// A stream that is cut again and again harms nobody who gets something in between.
TEST_F(DirectoryTest, FailuresCountSinceTheLastProgress) {
  Make(0);
  Ask(1);
  int64_t now_ms = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(Source(1), Node(0)) << i;
    Ask(1, Node(0), true);
    now_ms += Directory::kRetryMs;
    directory_.OnTurn(now_ms);
  }
}

TEST_F(DirectoryTest, WhenTheSourceDiesItsPullersAskAgain) {
  Make(0);
  directory_.On(Node(5), CopyWhole{.id = id_, .version = kVersion});
  Ask(1);
  const NodeId source = Source(1);
  directory_.OnNodeGone(source);
  const auto answers = directory_.TakeAnswers();
  ASSERT_EQ(Count<LeaveSource>(answers), 1u);
  EXPECT_EQ(answers[0].to, Node(1));
  Ask(1);
  EXPECT_FALSE(Source(1).IsNil());
}

// The last whole copy goes while one pulls: that may have all of it by now.
TEST_F(DirectoryTest, NothingIsLostThatMayHaveBeenPulled) {
  Make(0);
  Ask(1);
  Ask(2);
  Ask(3);
  directory_.TakeAnswers();
  directory_.OnNodeGone(Node(0));
  EXPECT_EQ(Count<NoSource>(directory_.TakeAnswers()), 0u);
  Ask(1);
  EXPECT_EQ(Count<NoSource>(directory_.TakeAnswers()), 0u);
  directory_.On(Node(2), CopyWhole{.id = id_, .version = kVersion});
  EXPECT_EQ(Source(1), Node(2));
}

// Seed 192 of the simulation: who pulls from one that waits itself would wait for ever.
TEST_F(DirectoryTest, WhoPullsFromOneThatWaitsIsRecalled) {
  Make(0);
  Ask(1);
  Ask(2);
  Ask(3);
  const auto assigned = directory_.TakeAnswers();
  const NodeId source = std::get<UseSource>(assigned[2].message).source;
  ASSERT_TRUE(source == Node(1) || source == Node(2));
  directory_.OnNodeGone(Node(0));
  directory_.TakeAnswers();
  Ask(1);
  Ask(2);
  const auto answers = directory_.TakeAnswers();
  EXPECT_EQ(Count<LeaveSource>(answers), 1u);
  EXPECT_EQ(Count<NoSource>(answers), 0u);
  Ask(3);
  EXPECT_EQ(Count<NoSource>(directory_.TakeAnswers()), 3u);
  EXPECT_EQ(directory_.size(), 0u);
}

// Others wait for a place at a source; when all copies are gone they are told.
TEST_F(DirectoryTest, ACopyOfAnotherVersionIsNone) {
  Make(0);
  directory_.On(Node(4), CopyWhole{.id = id_, .version = kVersion + 1});
  EXPECT_EQ(directory_.WholeCopies(id_), std::vector<NodeId>{Node(0)});
  directory_.OnMade(id_, kVersion + 1, 50, Node(4));
  EXPECT_EQ(directory_.WholeCopies(id_), std::vector<NodeId>{Node(4)});
}

TEST_F(DirectoryTest, AValueThatIsMadeAnewIsWhatWhoWaitsGets) {
  Make(0);
  Ask(1);
  Ask(2);
  directory_.TakeAnswers();
  directory_.OnNodeGone(Node(0));
  directory_.TakeAnswers();
  Ask(1);  // and 2 has not answered yet
  directory_.OnMade(id_, kVersion + 1, 60, Node(3));
  const auto answers = directory_.TakeAnswers();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(std::get<UseSource>(answers[0].message).version, kVersion + 1);
}

// Who makes a value itself gives up pulling it, and may say so after it has told of the value.
TEST_F(DirectoryTest, APartThatIsGivenUpIsNoWholeCopy) {
  Make(0);
  Ask(1);
  directory_.TakeAnswers();
  Make(1);
  directory_.On(Node(1), CopyDropped{.id = id_, .was_whole = false});
  EXPECT_EQ(directory_.WholeCopies(id_), std::vector<NodeId>{Node(1)});
  directory_.On(Node(1), CopyDropped{.id = id_, .was_whole = true});
  EXPECT_EQ(directory_.size(), 0u);
}

TEST_F(DirectoryTest, WhatIsForgottenIsGone) {
  Make(0);
  Ask(1);
  directory_.Forget(id_);
  directory_.On(Node(1), CopyDropped{id_});
  directory_.On(Node(1), CopyWhole{.id = id_, .version = kVersion});
  EXPECT_EQ(directory_.size(), 0u);
}

TEST_F(DirectoryTest, TheTextForPeople) {
  Make(0);
  EXPECT_EQ(directory_.DebugText(), "values with copies: 1; nodes that wait for a source: 0\n");
}

}  // namespace
}  // namespace rayx::transfer
