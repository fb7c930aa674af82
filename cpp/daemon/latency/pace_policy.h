// Decides how a node spends the time between two turns: whether it sleeps at once for what may come
// next (the loop does), or lets some messages gather before; on which processor it does so; and
// whether a pair of processes may keep theirs.
//
//                         what was submitted            what a turn has heard
//                                 │                               │
//                          PingPong, twice          WakeCoalescing, PairTurn, Audience
//                                 │                               │
//              meets(), pair_pays() before the flush       SleepPlan after it
//
// All of it is moderation: without it every program gets the same results, only later or at a
// higher price. It presumes that the processes that the node serves run on this machine, where a
// wake-up takes a processor from the work that is waited for. A node of another machine would gain
// nothing and wait, so OnTurnEnd plans no sleep, and meets() says no, as soon as they are told of
// one.
//
// It is told the time, asks for none, and never sleeps (turn_pacer.h does).
#pragma once

#include <cstddef>
#include <cstdint>

#include "daemon/latency/pair_turn.h"
#include "daemon/latency/ping_pong.h"
#include "daemon/latency/wake_coalescing.h"

namespace rayx::daemon {

// On which machines the peers of this node are.
enum class Audience { kThisMachine, kOtherNodes };

// What a turn was like, told at its end.
struct TurnLoad {
  int64_t now_us = 0;
  Audience audience = Audience::kThisMachine;
  PairTurn pair = PairTurn::kClosed;
  // Every thread that wants a processor has one (spare_cpus.h). Asked while a pair is open.
  bool cpus_spare = false;
};

// What to do before the loop goes on.
struct SleepPlan {
  enum class Kind {
    kNone,
    kPause,      // no process waits, so nothing has to end it early
    kUntilRung,  // every other peer ends it, and the ends of the pair do so by ringing
  };
  Kind kind = Kind::kNone;
  int64_t us = 0;
  // The ends of the pair may look for each other's messages instead of sleeping.
  bool may_spin = false;
};

class PacePolicy {
 public:
  // Some 150 calls take that long; a socket holds 167, and an end that finds it full rings. A turn
  // of the node takes a processor from the driver or the worker, and keeps the call under way
  // waiting: for 60 us after a few calls, and the two need as long again until they are in step;
  // for 0.7 ms after so many. So turns are rare: less than one call in a hundred meets one, and all
  // other calls are quicker for it.
  static constexpr int64_t kPairSleepUs = 10'000;
  // How quick the rounds of a pair must be: in longer ones, what the node costs is next to nothing.
  static constexpr int64_t kPairRoundUs = 10'000;

  // A task was submitted by way of the node; the arguments are those of PingPong::OnSubmit.
  void OnSubmit(size_t active, int64_t now_us) {
    pace_.OnSubmit(active, now_us);
    pair_pace_.OnSubmit(active, now_us);
  }

  // Tasks come one by one, so that passing them on is all that the node does.
  bool pair_pays() const { return pair_pace_.together(); }
  // Whether processes that only wait for each other should meet on one processor. Not while a pair
  // is open, since its ends do without the node.
  bool meets(bool pair_open, Audience audience) const {
    return pace_.together() && !pair_open && audience == Audience::kThisMachine;
  }

  // `all_prefetched()`: whether every worker has WakeCoalescing::kPrefetched tasks. That looks at
  // all workers, so it is asked only when the answer decides.
  template <typename AllPrefetched>
  SleepPlan OnTurnEnd(const TurnLoad& load, AllPrefetched all_prefetched) {
    SleepPlan plan;
    const bool pair_open = load.pair != PairTurn::kClosed;
    plan.may_spin = pair_open && load.cpus_spare;
    // A peer far away that has sent something waits for an answer, and a sleep behind each part of
    // a large object would take most of the time of its transfer.
    if (load.audience == Audience::kOtherNodes) return plan;
    if (pair_open) {
      if (load.pair == PairTurn::kAlone) {
        plan.kind = SleepPlan::Kind::kUntilRung;
        plan.us = kPairSleepUs;
      }
      return plan;
    }
    // Whether or not the core has more to do: while all workers have tasks, none of them waits for
    // it, and in bursts it nearly always has.
    if (burst_.OnTurn(load.now_us) && all_prefetched()) {
      plan.kind = SleepPlan::Kind::kPause;
      plan.us = WakeCoalescing::kPauseUs;
    }
    return plan;
  }
  // A pause is over.
  void OnPaused(int64_t now_us) { burst_.OnPaused(now_us); }

 private:
  // Whether the processes of the node only wait for each other, and do so quickly enough for a
  // pair.
  PingPong pace_;
  PingPong pair_pace_{kPairRoundUs};
  WakeCoalescing burst_;
};

}  // namespace rayx::daemon
