#include "sim/simulation.h"

#include <gtest/gtest.h>

namespace rayx::sim {
namespace {

// The text of a seed that breaks a rule, with what happened before; empty if none is broken.
std::string FaultOf(Options options) {
  if (Simulate(options).broken.empty()) return "";
  options.trace_lines = 60;
  return TextOf(Simulate(options), options);
}

class Simulation : public ::testing::TestWithParam<uint64_t> {};

// Each parameter is a block of seeds, so that blocks run as tests of their own.
constexpr uint64_t kBlocks = 10;
constexpr uint64_t kSeedsPerBlock = 50;

TEST_P(Simulation, NothingIsHeldAndEveryTaskEndsAsItShould) {
  for (uint64_t i = 0; i < kSeedsPerBlock; ++i) {
    const std::string fault = FaultOf({.seed = GetParam() * kSeedsPerBlock + i});
    ASSERT_EQ(fault, "") << fault;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, ::testing::Range<uint64_t>(0, kBlocks));

TEST(SimulationOf, ManyTasks) {
  for (uint64_t seed = 1000; seed < 1010; ++seed) {
    const std::string fault = FaultOf({.seed = seed, .tasks = 1000});
    ASSERT_EQ(fault, "") << fault;
  }
}

TEST(SimulationOf, TheSameSeedIsTheSameStepByStep) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Report first = Simulate({.seed = seed});
    const Report second = Simulate({.seed = seed, .trace_lines = 10});
    EXPECT_EQ(first.trace_hash, second.trace_hash) << seed;
    EXPECT_EQ(first.events, second.events) << seed;
  }
  EXPECT_NE(Simulate({.seed = 1}).trace_hash, Simulate({.seed = 2}).trace_hash);
}

// What the seeds are meant to meet, they meet.
TEST(SimulationOf, AllThatCanHappenHappens) {
  Report sum;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Report report = Simulate({.seed = seed});
    sum.tasks += report.tasks;
    sum.failed += report.failed;
    sum.calls += report.calls;
    sum.actors += report.actors;
    sum.streams += report.streams;
    sum.retried += report.retried;
    sum.cancelled += report.cancelled;
  }
  EXPECT_GT(sum.tasks, 3000u);
  EXPECT_GT(sum.tasks - sum.failed, 1500u) << "most end well";
  EXPECT_GT(sum.calls, 500u);
  EXPECT_GT(sum.actors, 200u);
  EXPECT_GT(sum.streams, 200u);
  EXPECT_GT(sum.retried, 50u);
  EXPECT_GT(sum.cancelled, 200u);
}

}  // namespace
}  // namespace rayx::sim
