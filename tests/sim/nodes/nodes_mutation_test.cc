// Faults that are planted in what passes between nodes are found by the simulator of nodes.
//
// This program has a core of its own, compiled with all of them (RAYX_MUTATIONS); one is planted at
// a time, in a process of its own, since a broken core may end its process.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "node/mutation.h"
#include "sim/nodes/objects_simulation.h"
#include "sim/nodes/tasks_simulation.h"
#include "sim/seeds.h"

namespace rayx::node {

Mutation planted = Mutation::kNone;

}  // namespace rayx::node

namespace rayx::sim {
namespace {

constexpr uint64_t kSeeds = 6000;
constexpr uint64_t kSeedsWithoutFault = 1000;
constexpr unsigned kSecondsMax = 100;

std::string FaultOf(uint64_t seed) {
  try {
    const std::string broken = SimulateObjects(seed).broken;
    return broken.empty() ? SimulateNodes({.seed = seed}).broken : broken;
  } catch (const std::exception& fault) {
    return fault.what();
  }
}

enum class Outcome { kFound, kNotFound, kNotFinished };

// Whether a seed shows the fault.
Outcome Search(node::Mutation mutation, uint64_t seeds = kSeeds) {
  const pid_t child = ::fork();
  if (child == 0) {
    // What a broken core says of its state is of no interest.
    ::close(STDERR_FILENO);
    ::alarm(kSecondsMax);
    node::planted = mutation;
    for (uint64_t seed = 0; seed < seeds; ++seed) {
      const std::string broken = FaultOf(seed);
      if (broken.empty()) continue;
      std::printf("mutation %d, seed %llu: %.200s\n", static_cast<int>(mutation),
                  static_cast<unsigned long long>(seed), broken.c_str());
      std::fflush(stdout);
      ::_exit(1);
    }
    ::_exit(0);
  }
  int wait_status = 0;
  EXPECT_EQ(::waitpid(child, &wait_status, 0), child);
  // A CHECK that fails is a find; an endless loop is none.
  if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGABRT) return Outcome::kFound;
  if (!WIFEXITED(wait_status)) return Outcome::kNotFinished;
  return WEXITSTATUS(wait_status) == 0 ? Outcome::kNotFound : Outcome::kFound;
}

class PlantedBetweenNodes : public ::testing::TestWithParam<int> {};

TEST_P(PlantedBetweenNodes, IsFound) {
  EXPECT_EQ(Search(static_cast<node::Mutation>(GetParam())), Outcome::kFound);
}

INSTANTIATE_TEST_SUITE_P(All, PlantedBetweenNodes,
                         ::testing::Range(static_cast<int>(node::Mutation::kFirstBetweenNodes) + 1,
                                          static_cast<int>(node::Mutation::kEndBetweenNodes)));

TEST(NothingPlantedBetweenNodes, IsNotFound) {
  EXPECT_EQ(Search(node::Mutation::kNone, SeedsFor(kSeedsWithoutFault)), Outcome::kNotFound);
}

}  // namespace
}  // namespace rayx::sim
