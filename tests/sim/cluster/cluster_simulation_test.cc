#include "sim/cluster/cluster_simulation.h"

#include <gtest/gtest.h>

#include "cluster/wire_values.h"

namespace rayx::cluster_sim {
namespace {

// The text of a seed that breaks a rule, with what happened before and how to run it again; empty
// if none is broken.
std::string FaultOf(uint64_t seed) {
  if (Simulate({.seed = seed}).broken.empty()) return "";
  return TextOf(Simulate({.seed = seed, .trace_lines = 60}));
}

class ClusterSimulation : public ::testing::TestWithParam<uint64_t> {};

// Each parameter is a block of seeds, so that blocks run as tests of their own.
constexpr uint64_t kBlocks = 10;
constexpr uint64_t kSeedsPerBlock = 250;

TEST_P(ClusterSimulation, EverythingArrivesOnceInOrderOrTheSessionEnds) {
  for (uint64_t i = 0; i < kSeedsPerBlock; ++i) {
    const std::string fault = FaultOf(GetParam() * kSeedsPerBlock + i);
    ASSERT_EQ(fault, "") << fault;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ClusterSimulation, ::testing::Range<uint64_t>(0, kBlocks));

TEST(ClusterSimulationOf, TheSameSeedIsTheSameStepByStep) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Report first = Simulate({.seed = seed});
    const Report second = Simulate({.seed = seed, .trace_lines = 10});
    EXPECT_EQ(first.trace_hash, second.trace_hash) << seed;
    EXPECT_EQ(first.events, second.events) << seed;
  }
  EXPECT_NE(Simulate({.seed = 1}).trace_hash, Simulate({.seed = 2}).trace_hash);
}

// What the seeds are meant to meet, they meet.
TEST(ClusterSimulationOf, AllThatCanHappenHappens) {
  std::vector<uint64_t> ended(cluster::kEndReasons);
  uint64_t frames = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Report report = Simulate({.seed = seed});
    for (size_t i = 0; i < ended.size(); ++i) ended[i] += report.ended[i];
    frames += report.frames;
  }
  EXPECT_GT(frames, 20000u);
  for (const auto reason :
       {cluster::EndReason::kDeclaredDead, cluster::EndReason::kSelfDead, cluster::EndReason::kGone,
        cluster::EndReason::kReplaced, cluster::EndReason::kSilent, cluster::EndReason::kBacklog,
        cluster::EndReason::kEndedByPeer}) {
    EXPECT_GT(ended[static_cast<size_t>(reason)], 0u) << TextOf(reason);
  }
  EXPECT_EQ(ended[static_cast<size_t>(cluster::EndReason::kBreach)], 0u);
}

}  // namespace
}  // namespace rayx::cluster_sim
