// What is promised of times, at every phase of the signs of life and with clocks 10% apart: here by
// a sweep, where the seeds of cluster_simulation_test meet it by chance.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>

#include "sim/cluster/world.h"

namespace rayx::cluster_sim {
namespace {

constexpr int64_t kJoinMs = 2000;

Conditions Calm() {
  sim::Dice dice(0);
  Conditions calm(dice);
  calm.kind = Conditions::Kind::kStorm;  // in which sessions may end; the tests say which must not
  calm.nodes = 2;
  calm.messages = 0;
  calm.latency_ms = 5;
  calm.has_delays = calm.has_rude_senders = calm.cuts_early = calm.doubles = false;
  calm.has_half_open = calm.dials_one_way = calm.is_lazy = false;
  return calm;
}

// Two nodes that have joined, with the given drifts of their clocks.
class Pair {
 public:
  Pair(int64_t drift, int64_t other_drift, int64_t phase_ms) : world_({.seed = 1}, Calm()) {
    world_.processes()[0].clock_drift = drift;
    world_.processes()[1].clock_drift = other_drift;
    ids_[0] = world_.processes()[0].id;
    ids_[1] = world_.processes()[1].id;
    Pass(kJoinMs + phase_ms);
    EXPECT_TRUE(IsLive(0) && IsLive(1));
  }

  World& world() { return world_; }
  void Pass(int64_t duration_ms) {
    const int64_t until_ms = world_.now_ms() + duration_ms;
    while (world_.network().Step(until_ms)) {
    }
  }
  // The first session is still there, on that side.
  bool IsLive(size_t place) {
    return !world_.ledger().Of(ids_[place], ids_[1 - place], 1).has_ended;
  }
  // How long the head takes to notice what is about to happen.
  int64_t NoticeMs() {
    const int64_t begin_ms = world_.now_ms();
    while (IsLive(0) && world_.now_ms() < begin_ms + 20000) Pass(1);
    return world_.now_ms() - begin_ms;
  }

 private:
  World world_;
  NodeId ids_[2];
};

// At each phase, with each two drifts.
void Sweep(const std::function<void(Pair&)>& test) {
  for (const int64_t drift : {-100, 0, 100}) {
    for (const int64_t other_drift : {-100, 0, 100}) {
      for (int64_t phase_ms = 0; phase_ms < 600; phase_ms += 50) {
        SCOPED_TRACE(std::to_string(drift) + ", " + std::to_string(other_drift) + " thousandths, " +
                     std::to_string(phase_ms) + " ms");
        Pair pair(drift, other_drift, phase_ms);
        test(pair);
        EXPECT_EQ(pair.world().broken(), "");
      }
    }
  }
}

TEST(ClusterTiming, ACutOfThreeSecondsHarmsNobody) {
  for (const bool to : {false, true}) {
    for (const bool back : {false, true}) {
      Sweep([&](Pair& pair) {
        const int64_t until_ms = pair.world().now_ms() + 3000;
        if (to) pair.world().Block(0, 1, until_ms);
        if (back) pair.world().Block(1, 0, until_ms);
        pair.Pass(12000);
        EXPECT_TRUE(pair.IsLive(0) && pair.IsLive(1));
      });
    }
  }
}

TEST(ClusterTiming, AProcessThatIsStoppedForThreeSecondsIsNotHarmed) {
  Sweep([](Pair& pair) {
    pair.world().Freeze(1, pair.world().now_ms() + 3000);
    pair.Pass(12000);
    EXPECT_TRUE(pair.IsLive(0) && pair.IsLive(1));
  });
}

TEST(ClusterTiming, AKilledProcessIsNoticedAtOnce) {
  int64_t longest_ms = 0;
  Sweep([&](Pair& pair) {
    pair.world().Kill(1, true);
    longest_ms = std::max(longest_ms, pair.NoticeMs());
  });
  std::printf("noticed within %lld ms\n", static_cast<long long>(longest_ms));
  EXPECT_LT(longest_ms, 200);
}

TEST(ClusterTiming, AMachineThatIsGoneIsNoticedInFiveSecondsOfTheClock) {
  int64_t longest_ms = 0;
  Sweep([&](Pair& pair) {
    pair.world().Kill(1, false);
    longest_ms = std::max(longest_ms, pair.NoticeMs());
  });
  std::printf("noticed within %lld ms\n", static_cast<long long>(longest_ms));
  EXPECT_LT(longest_ms, 5000 * 10 / 9 + 20) << "by a clock that is 10% slow";
}

// It learns so, ends its work, and is a member again under another id.
TEST(ClusterTiming, ANodeThatWasStoppedForLongComesBackUnderAnotherId) {
  Sweep([](Pair& pair) {
    World& world = pair.world();
    const NodeId before = world.processes()[1].id;
    world.Freeze(1, world.now_ms() + 20000);
    EXPECT_LE(pair.NoticeMs(), 5600);
    pair.Pass(20000);
    EXPECT_FALSE(pair.IsLive(1));
    const Process& process = world.processes()[1];
    EXPECT_NE(process.id, before);
    EXPECT_EQ(process.member->state(), cluster::Member::State::kMember);
    EXPECT_TRUE(world.processes()[0].membership->IsDead(before));
  });
}

}  // namespace
}  // namespace rayx::cluster_sim
