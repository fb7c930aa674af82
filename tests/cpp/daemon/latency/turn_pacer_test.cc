#include "daemon/latency/turn_pacer.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "common/base/limits.h"
#include "common/os/clock.h"
#include "common/shm/shared_memory.h"

namespace rayx::daemon {
namespace {

constexpr uint64_t kPoolBytes = 8192;
constexpr auto kHere = Audience::kThisMachine;

ScopedFd NewEvent() { return ScopedFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

void Signal(const ScopedFd& event) {
  const uint64_t once = 1;
  ASSERT_EQ(::write(event.get(), &once, sizeof(once)), static_cast<ssize_t>(sizeof(once)));
}

class TurnPacerTest : public ::testing::Test {
 protected:
  // Microseconds that the end of a turn took, in which only the pair was heard.
  int64_t EndTurn(Audience audience = kHere) {
    const int64_t begin_us = MonotonicUs();
    pacer_.OnTurnEnd({.heard = PairTurn::kAlone, .memory = &claims_}, audience);
    return MonotonicUs() - begin_us;
  }
  // Whether the whole time was slept. A machine that is busy may only make it longer.
  bool SleepsItOut() { return EndTurn() >= PacePolicy::kPairSleepUs - 1000; }
  // The shortest of some, since a busy machine may make each look like a sleep.
  int64_t ShortestTurn(const std::function<void()>& before, Audience audience = kHere) {
    int64_t shortest_us = PacePolicy::kPairSleepUs;
    for (int i = 0; i < 20; ++i) {
      before();
      shortest_us = std::min(shortest_us, EndTurn(audience));
    }
    return shortest_us;
  }

  node::NodeCore core_{{}, {}, kPoolBytes};
  WakeSet set_;
  TurnPacer pacer_{&set_, &core_, /*busy_cpus=*/0};
  ClaimWord claims_ = std::move(ClaimWord::Create()).value();
};

TEST_F(TurnPacerTest, ALineIsSleptThrough) { EXPECT_TRUE(SleepsItOut()); }

TEST_F(TurnPacerTest, WithoutALineAndABurstNobodySleeps) {
  int64_t shortest_us = PacePolicy::kPairSleepUs;
  for (int i = 0; i < 100; ++i) {
    const int64_t begin_us = MonotonicUs();
    pacer_.OnTurnEnd({}, kHere);
    shortest_us = std::min(shortest_us, MonotonicUs() - begin_us);
  }
  EXPECT_LT(shortest_us, WakeCoalescing::kPauseUs) << "no worker has tasks prefetched";
}

TEST_F(TurnPacerTest, WhoRingsBeforehandKeepsTheNodeAwake) {
  const auto doorbell = std::move(pacer_.MakeDoorbell()).value();
  EXPECT_LT(ShortestTurn([&] { claims_.doorbell().Ring(doorbell.client.get()); }),
            PacePolicy::kPairSleepUs / 2);
}

TEST_F(TurnPacerTest, WhoIsNoEndOfTheLineEndsASleep) {
  const ScopedFd other = NewEvent();
  pacer_.SetWakes(other.get(), true);
  EXPECT_LT(ShortestTurn([&] { Signal(other); }), PacePolicy::kPairSleepUs / 2);
  pacer_.SetWakes(other.get(), false);
  Signal(other);
  EXPECT_TRUE(SleepsItOut()) << "the ends of the pair are taken out";
}

TEST_F(TurnPacerTest, OnlyTheLastDoorbellIsHeard) {
  const auto old = std::move(pacer_.MakeDoorbell()).value();
  EXPECT_LT(ShortestTurn([&] { Signal(old.worker); }), PacePolicy::kPairSleepUs / 2);
  const auto doorbell = std::move(pacer_.MakeDoorbell()).value();
  Signal(old.client);
  EXPECT_TRUE(SleepsItOut());
  EXPECT_LT(ShortestTurn([&] { Signal(doorbell.worker); }), PacePolicy::kPairSleepUs / 2);
}

TEST_F(TurnPacerTest, OtherNodesKeepItAwake) {
  EXPECT_LT(ShortestTurn([] {}, Audience::kOtherNodes), PacePolicy::kPairSleepUs / 2);
}

TEST_F(TurnPacerTest, WithoutAProcessorToSpareTheEndsOfALineDoNotSpin) {
  claims_.AllowSpinning(true);
  EndTurn();
  EXPECT_FALSE(claims_.may_spin());
  TurnPacer roomy(&set_, &core_, /*busy_cpus=*/1u << 20);
  roomy.OnTurnEnd({.heard = PairTurn::kMixed, .memory = &claims_}, kHere);
  EXPECT_TRUE(claims_.may_spin());
}

TEST_F(TurnPacerTest, WaitingProcessesAreToldWhereTheNodeIsBound) {
  const ScopedFd memory =
      std::move(CreateSharedMemory("test", kPoolBytes + limits::kAffinityHintBytes)).value();
  const AffinityHint client = std::move(AffinityHint::Map(memory.get(), kPoolBytes, false)).value();
  pacer_.set_affinity_hint(std::move(AffinityHint::Map(memory.get(), kPoolBytes, true)).value());
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(before), &before), 0);
  // Rounds of a busy machine may be too slow for a while.
  for (int i = 0; i < 10'000 && client.cpu() == AffinityHint::kNone; ++i) {
    for (int k = 0; k <= PingPong::kRounds; ++k) pacer_.OnSubmitted(/*from_task=*/false);
    pacer_.ChooseCpu(/*pair_open=*/false, kHere);
  }
  ASSERT_NE(client.cpu(), AffinityHint::kNone);
  EXPECT_TRUE(pacer_.pair_pays());
  cpu_set_t bound;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(bound), &bound), 0);
  EXPECT_EQ(CPU_COUNT(&bound), 1);
  EXPECT_TRUE(CPU_ISSET(client.cpu(), &bound));

  pacer_.ChooseCpu(/*pair_open=*/false, Audience::kOtherNodes);
  EXPECT_EQ(client.cpu(), AffinityHint::kNone);
  ASSERT_EQ(::sched_getaffinity(0, sizeof(bound), &bound), 0);
  EXPECT_TRUE(CPU_EQUAL(&bound, &before));
}

}  // namespace
}  // namespace rayx::daemon
