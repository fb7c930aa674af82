#include "node/pending_reasons.h"

#include <gtest/gtest.h>

#include "node/node_recorder.h"

namespace rayx::node {
namespace {

TEST(PendingReasonsTest, EachReasonIsToldOnceADriver) {
  NodeRecorder node;
  node.Driver(1);
  node.Output(1);
  node.Driver(2);
  node.Output(2);
  PendingReasons reasons(&node.core().drivers());
  reasons.Tell(testing::DriverNumber(1), "f", "no GPU");
  reasons.Tell(testing::DriverNumber(1), "g", "no GPU");
  reasons.Tell(testing::DriverNumber(2), "f", "no GPU");
  reasons.Tell(testing::DriverNumber(1), "f", "no lamp");
  const std::string end = ". It runs when such a node joins.";
  EXPECT_EQ(node.Take(),
            Lines({"print at c2 : f waits: no GPU" + end, "print at c4 : f waits: no GPU" + end,
                   "print at c2 : f waits: no lamp" + end}));
  reasons.OnDriverGone(testing::DriverNumber(1));
  reasons.Tell(testing::DriverNumber(1), "f", "no GPU");
  reasons.Tell(testing::DriverNumber(2), "f", "no GPU");
  EXPECT_EQ(node.Take(), Lines({"print at c2 : f waits: no GPU" + end}));
}

}  // namespace
}  // namespace rayx::node
