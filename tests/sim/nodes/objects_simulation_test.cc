#include "sim/nodes/objects_simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "sim/seeds.h"

namespace rayx::sim {
namespace {

// RAYX_NODES_SEEDS runs more: 2,000 in each change of how references cross, 100,000 now and then.
uint64_t Seeds() {
  const char* wanted = std::getenv("RAYX_NODES_SEEDS");
  return wanted == nullptr ? SeedsFor(600) : std::strtoull(wanted, nullptr, 10);
}

TEST(ObjectsSimulation, EveryValueLivesForAsLongAsSomebodyNeedsIt) {
  size_t messages = 0;
  size_t values = 0;
  for (uint64_t seed = 0; seed < Seeds(); ++seed) {
    const ObjectsReport report = SimulateObjects(seed);
    ASSERT_EQ(report.broken, "") << TextOf(seed, SimulateObjects(seed, /*with_trace=*/true));
    messages += report.messages;
    values += report.values_got;
  }
  // What the seeds are meant to meet, they meet.
  EXPECT_GT(messages, 10 * Seeds());
  EXPECT_GT(values, 5 * Seeds());
}

TEST(ObjectsSimulation, TheSameSeedIsTheSameStepByStep) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    EXPECT_EQ(SimulateObjects(seed, true).trace, SimulateObjects(seed, true).trace) << seed;
  }
  EXPECT_NE(SimulateObjects(1, true).trace, SimulateObjects(2, true).trace);
}

}  // namespace
}  // namespace rayx::sim
