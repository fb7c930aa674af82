#include "sim/transfer/transfer_simulation.h"

#include <gtest/gtest.h>

#include "sim/seeds.h"

namespace rayx::transfer_sim {
namespace {

// The text of a seed that breaks a rule, with what happened before and how to run it again; empty
// if none is broken.
std::string FaultOf(uint64_t seed) {
  if (Simulate({.seed = seed}).broken.empty()) return "";
  return TextOf(Simulate({.seed = seed, .trace_lines = 60}));
}

class TransferSimulation : public ::testing::TestWithParam<uint64_t> {};

// Each parameter is a block of seeds, so that blocks run as tests of their own.
constexpr uint64_t kBlocks = 8;
constexpr uint64_t kSeedsPerBlock = 250;

TEST_P(TransferSimulation, EveryTaskGetsItsValuesOrIsToldThatTheyAreLost) {
  for (uint64_t i = 0; i < sim::SeedsFor(kSeedsPerBlock); ++i) {
    const std::string fault = FaultOf(GetParam() * kSeedsPerBlock + i);
    ASSERT_EQ(fault, "") << fault;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TransferSimulation, ::testing::Range<uint64_t>(0, kBlocks));

TEST(TransferSimulationOf, TheSameSeedIsTheSameStepByStep) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Report first = Simulate({.seed = seed});
    const Report second = Simulate({.seed = seed, .trace_lines = 10});
    EXPECT_EQ(first.trace_hash, second.trace_hash) << seed;
    EXPECT_EQ(first.events, second.events) << seed;
  }
  EXPECT_NE(Simulate({.seed = 1}).trace_hash, Simulate({.seed = 2}).trace_hash);
}

// What the seeds are meant to meet, they meet.
TEST(TransferSimulationOf, AllThatCanHappenHappens) {
  Report sum;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Report report = Simulate({.seed = seed});
    sum.ended += report.ended;
    sum.failed += report.failed;
    sum.chunks += report.chunks;
    sum.from_parts += report.from_parts;
    sum.cuts += report.cuts;
    sum.deaths += report.deaths;
  }
  EXPECT_GT(sum.ended, 5000u);
  EXPECT_GT(sum.failed, 50u);
  EXPECT_GT(sum.chunks, 5000u);
  EXPECT_GT(sum.from_parts, 100u);
  EXPECT_GT(sum.cuts, 500u);
  EXPECT_GT(sum.deaths, 50u);
}

}  // namespace
}  // namespace rayx::transfer_sim
