// Faults that are planted in the wiring of the core are found by the simulator.
//
// This program has a core of its own, compiled with all of them (RAYX_MUTATIONS); one is planted at
// a time, in a process of its own, since a broken core may end its process.
#include "node/mutation.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "sim/simulation.h"

namespace rayx::node {

Mutation planted = Mutation::kNone;

}  // namespace rayx::node

namespace rayx::sim {
namespace {

// The rarest, kForgetStop, shows in one seed of 500.
constexpr uint64_t kSeeds = 5000;
constexpr uint64_t kSeedsWithoutFault = 300;
constexpr unsigned kSecondsMax = 100;

// Whether a seed shows the fault.
bool IsFound(node::Mutation mutation, uint64_t seeds = kSeeds) {
  const pid_t child = ::fork();
  if (child == 0) {
    // What a broken core says of its state is of no interest.
    ::close(STDERR_FILENO);
    ::alarm(kSecondsMax);
    node::planted = mutation;
    for (uint64_t seed = 0; seed < seeds; ++seed) {
      const Report report = Simulate({.seed = seed});
      if (report.broken.empty()) continue;
      std::printf("mutation %d, seed %llu: %.200s\n", static_cast<int>(mutation),
                  static_cast<unsigned long long>(seed), report.broken.c_str());
      std::fflush(stdout);
      ::_exit(1);
    }
    ::_exit(0);
  }
  int wait_status = 0;
  EXPECT_EQ(::waitpid(child, &wait_status, 0), child);
  // A CHECK that fails is a find; an endless loop is none.
  const bool is_aborted = WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGABRT;
  return is_aborted || (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0);
}

class Planted : public ::testing::TestWithParam<int> {};

TEST_P(Planted, IsFound) { EXPECT_TRUE(IsFound(static_cast<node::Mutation>(GetParam()))); }

INSTANTIATE_TEST_SUITE_P(All, Planted,
                         ::testing::Range(1, static_cast<int>(node::Mutation::kCount)));

TEST(NothingPlanted, IsNotFound) {
  EXPECT_FALSE(IsFound(node::Mutation::kNone, kSeedsWithoutFault));
}

}  // namespace
}  // namespace rayx::sim
