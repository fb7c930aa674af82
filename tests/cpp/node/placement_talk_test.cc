#include "node/placement_talk.h"

#include <gtest/gtest.h>

#include "node/node_pair.h"

namespace rayx::node {
namespace {

class PlacementTalkTest : public ::testing::Test {
 protected:
  PlacementTalkTest() {
    for (const uint64_t task : {2, 3}) home().store().AddReference(ResultOf(task));
  }
  NodeCore& home() { return nodes_.home().core(); }
  remote::Value Small(uint64_t task) {
    return {.id = ResultOf(task), .is_inline = true, .data = "value", .size_bytes = 5};
  }
  remote::Value Large(uint64_t task) {
    return {.id = ResultOf(task), .size_bytes = 1000, .version = 7};
  }
  Status Accept(uint32_t count, const std::vector<remote::Value>& results) {
    return AcceptResults(&home().objects().remote(), nodes_.session(), TaskNumber(2), count,
                         results);
  }

  NodePair nodes_;
};

TEST_F(PlacementTalkTest, AnOfferSaysWhereLargeInputsAre) {
  ASSERT_TRUE(
      AcceptResults(&home().objects().remote(), nodes_.session(), TaskNumber(2), 1, {Large(2)})
          .ok());
  ASSERT_TRUE(home().store().PutInline(kNoClient, ResultOf(3), Bytes("small"), {}).ok());
  const TaskSpec spec = Task(5).DependsOn(ResultOf(2)).DependsOn(ResultOf(3)).Priority(4).Build();
  const TaskOffer offer = OfferOf(spec, 6, &home().store(), &home().objects().remote());
  EXPECT_EQ(offer.attempt, 6u);
  EXPECT_EQ(offer.priority, 4);
  ASSERT_EQ(offer.inputs.size(), 1u) << "the large one";
  EXPECT_EQ(offer.inputs.front().bytes, 1000u);
  EXPECT_EQ(offer.inputs.front().nodes, std::vector<NodeId>{NodePair::kGuest()});
}

TEST_F(PlacementTalkTest, EachResultIsNeededAndNoOther) {
  EXPECT_TRUE(Accept(1, {Small(2)}).ok());
  EXPECT_TRUE(home().store().IsSealed(ResultOf(2)));
  EXPECT_FALSE(Accept(2, {Small(2)}).ok()) << "one is lacking";
  EXPECT_FALSE(Accept(1, {Small(3)}).ok()) << "of another task";
  EXPECT_FALSE(home().store().IsSealed(ResultOf(3)));
}

TEST_F(PlacementTalkTest, WhoHasWhatIsNotNeededNeedNotKeepIt) {
  NodeCore& guest = nodes_.guest().core();
  guest.objects().remote().ExpectResult(nodes_.session(), ResultOf(2));
  ASSERT_TRUE(guest.store().PutInline(kNoClient, ResultOf(2), Bytes("kept"), {}).ok());
  RefuseResults(&home().objects().remote(), nodes_.session(), {Large(2), Small(3)});
  nodes_.Run();
  EXPECT_EQ(guest.store().Stats().objects, 0u);
}

}  // namespace
}  // namespace rayx::node
