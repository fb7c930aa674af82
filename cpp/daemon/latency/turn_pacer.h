// The one part of a node that sleeps outside its loop, and that chooses the processor it runs on.
//
// pace_policy.h decides, this carries it out: it has the clock, the sleeps, the descriptors that
// end them, and the page in which clients read where to meet. NodeDaemon::OnTurn calls it twice in
// a turn: before anything is written, and when all is written.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/status.h"
#include "common/os/scoped_fd.h"
#include "common/os/wake_set.h"
#include "common/shm/affinity_hint.h"
#include "common/shm/claim_word.h"
#include "daemon/latency/pace_policy.h"
#include "daemon/latency/spare_cpus.h"
#include "node/node_core.h"

namespace rayx::daemon {

// The pair (pace_policy.h) at the end of a turn.
struct PairOfTurn {
  PairTurn heard = PairTurn::kClosed;
  // The claim memory of the pair's worker, with the doorbell word and the leave to spin. Null if no
  // pair is open.
  ClaimWord* memory = nullptr;
};

class TurnPacer {
 public:
  // All must outlive it; `core` is used from the first event on. `wake_set` is the loop's, which
  // has in it all that the loop watches. `busy_cpus`: as SpareCpus says.
  TurnPacer(WakeSet* wake_set, const node::NodeCore* core, size_t busy_cpus)
      : wake_set_(wake_set), core_(core), spare_cpus_(busy_cpus) {}

  // Where clients read on which processor to meet. Without it, no processes meet.
  void set_affinity_hint(AffinityHint hint) { hint_ = std::move(hint); }

  // --- what it learns ---

  // A task was submitted by way of the node, and the scheduler knows of it. `from_task`: a task has
  // submitted it.
  void OnSubmitted(bool from_task);
  // Tasks come one by one, so quickly that a pair pays.
  bool pair_pays() const { return policy_.pair_pays(); }

  // --- what ends a sleep ---

  // Whether what comes through a descriptor of the loop ends a sleep. At first it does. What the
  // ends of an open pair send does not; they ring the doorbell.
  void SetWakes(int fd, bool wakes) { wakes ? wake_set_->Add(fd) : wake_set_->Remove(fd); }
  // The doorbell of the next pair, a copy for each end. The ends of the pair before ring in vain
  // from now on.
  struct DoorbellEnds {
    ScopedFd client;
    ScopedFd worker;
  };
  Result<DoorbellEnds> MakeDoorbell();

  // --- the turn ---

  // To be called before anything is written, since a process that is woken reads where to sleep
  // next.
  void ChooseCpu(bool pair_open, Audience audience);
  // To be called when all is written, since the rest would wait until the sleep is over.
  void OnTurnEnd(const PairOfTurn& pair, Audience audience);

  std::string DebugText() const;

 private:
  WakeSet* wake_set_;
  const node::NodeCore* core_;
  PacePolicy policy_;
  SpareCpus spare_cpus_;
  AffinityHint hint_;
  // Set while processes that wait for each other meet on this thread's processor.
  std::optional<CpuBinding> binding_;
  ScopedFd doorbell_;
  // How often the node had been rung when it last looked.
  uint32_t rings_seen_ = 0;
};

}  // namespace rayx::daemon
