#include "sim/nodes/tasks_simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "sim/seeds.h"

namespace rayx::sim {
namespace {

// RAYX_NODES_SEEDS runs more.
uint64_t Seeds() {
  const char* wanted = std::getenv("RAYX_NODES_SEEDS");
  return wanted == nullptr ? SeedsFor(2000) : std::strtoull(wanted, nullptr, 10);
}

TEST(TasksSimulation, NothingIsHeldAndEveryTaskEndsAsItShould) {
  NodesReport sum;
  for (uint64_t seed = 0; seed < Seeds(); ++seed) {
    NodesOptions options{.seed = seed};
    const NodesReport report = SimulateNodes(options);
    if (!report.broken.empty()) {
      options.trace_lines = 80;
      FAIL() << TextOf(options, SimulateNodes(options));
    }
    sum.placed += report.placed;
    sum.forwarded += report.forwarded;
    sum.given_away += report.given_away;
    sum.copies += report.copies;
    sum.crashes += report.crashes;
    sum.cuts += report.cuts;
  }
  // What the seeds are meant to meet, they meet.
  EXPECT_GT(sum.placed, 3 * Seeds());
  EXPECT_GT(sum.forwarded, Seeds() / 4);
  EXPECT_GT(sum.given_away, Seeds() / 4);
  EXPECT_GT(sum.copies, Seeds() / 2);
  EXPECT_GT(sum.crashes, Seeds() / 20);
  EXPECT_GT(sum.cuts, Seeds() / 20);
}

TEST(TasksSimulation, TheSameSeedIsTheSameStepByStep) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    EXPECT_EQ(SimulateNodes({.seed = seed}).trace_hash, SimulateNodes({.seed = seed}).trace_hash);
  }
  EXPECT_NE(SimulateNodes({.seed = 1}).trace_hash, SimulateNodes({.seed = 2}).trace_hash);
}

}  // namespace
}  // namespace rayx::sim
