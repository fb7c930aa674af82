// Faults that are planted in what copies values between nodes are found by the simulator.
//
// This program has a core of its own, compiled with all of them (RAYX_TRANSFER_MUTATIONS); one is
// planted at a time, in a process of its own, since a broken core may end its process.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>

#include "sim/seeds.h"
#include "sim/transfer/transfer_simulation.h"
#include "transfer/mutation.h"

namespace rayx::transfer {

Mutation planted = Mutation::kNone;

}  // namespace rayx::transfer

namespace rayx::transfer_sim {
namespace {

constexpr uint64_t kSeeds = 6000;
constexpr unsigned kSecondsMax = 100;

// What is wrong with a seed; empty if nothing is. A broken core may also ask a container for what
// it has not.
std::string FaultOf(uint64_t seed) {
  try {
    return Simulate({.seed = seed}).broken;
  } catch (const std::exception& fault) {
    return fault.what();
  }
}

// Whether a seed shows the fault.
bool IsFound(transfer::Mutation mutation, uint64_t seeds = kSeeds) {
  const pid_t child = ::fork();
  if (child == 0) {
    // What a broken core says of its state is of no interest.
    ::close(STDERR_FILENO);
    ::alarm(kSecondsMax);
    transfer::planted = mutation;
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
  const bool is_aborted = WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGABRT;
  return is_aborted || (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0);
}

class Planted : public ::testing::TestWithParam<int> {};

TEST_P(Planted, IsFound) { EXPECT_TRUE(IsFound(static_cast<transfer::Mutation>(GetParam()))); }

INSTANTIATE_TEST_SUITE_P(All, Planted,
                         ::testing::Range(1, static_cast<int>(transfer::Mutation::kCount)));

TEST(NothingPlanted, IsNotFound) {
  EXPECT_FALSE(IsFound(transfer::Mutation::kNone, sim::SeedsFor(2000)));
}

}  // namespace
}  // namespace rayx::transfer_sim
