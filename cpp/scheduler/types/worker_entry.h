// One worker process of this node, and the states it may be in.
//
//   Starting ──► Idle ◄──► Busy ◄──► Blocked
//      │          │          │          │
//      │          └────► Ending ◄───────┘      told to end; what it holds is settled when it is
//      gone └──────────────────► Gone ◄── every state     (the entry is erased)
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <string_view>
#include <vector>

#include "common/base/check.h"
#include "common/base/ids.h"
#include "scheduler/types/effects.h"
#include "scheduler/types/task_entry.h"

namespace rayx::scheduler {

enum class WorkerState : uint8_t { kStarting, kIdle, kBusy, kBlocked, kEnding };
inline constexpr size_t kWorkerStates = 5;

constexpr std::string_view WorkerStateName(WorkerState state) {
  constexpr std::array<std::string_view, kWorkerStates> kNames = {"Starting", "Idle", "Busy",
                                                                  "Blocked", "Ending"};
  return kNames[static_cast<size_t>(state)];
}

constexpr uint8_t Bit(WorkerState state) {
  return static_cast<uint8_t>(1u << static_cast<unsigned>(state));
}
// Bit n of entry s: a worker in state s may move to state n. From each state it may also be gone.
inline constexpr std::array<uint8_t, kWorkerStates> kWorkerMoves = {
    Bit(WorkerState::kIdle),
    Bit(WorkerState::kBusy) | Bit(WorkerState::kEnding),
    Bit(WorkerState::kIdle) | Bit(WorkerState::kBlocked) | Bit(WorkerState::kEnding),
    Bit(WorkerState::kBusy) | Bit(WorkerState::kEnding),
    0,
};

// Who gives the worker its tasks: the scheduler, or a client that has a lease on it
// (transitions/lease.h). Apart from that a leased worker is idle, busy, blocked or ending as any
// other.
//
//              OnLeaseOpened              OnLeaseInUse: it could not be given up
//   NotLeased ────────────────▶ Held ──────────────────────────────────────────▶ InFlight
//       ▲                       │  ▲                                               │
//       │     OnLeaseClosed     │  └────────────── OnTaskGivenDirectly ────────────┤
//       └───────────────────────┴─────────── the worker or the client is gone ─────┘
//
// InFlight: the client has given a task of which the scheduler has not heard.
enum class LeaseState : uint8_t { kNotLeased, kHeld, kInFlight };
inline constexpr size_t kLeaseStates = 3;

constexpr std::string_view LeaseStateName(LeaseState state) {
  constexpr std::array<std::string_view, kLeaseStates> kNames = {"NotLeased", "Held", "InFlight"};
  return kNames[static_cast<size_t>(state)];
}
constexpr uint8_t Bit(LeaseState state) {
  return static_cast<uint8_t>(1u << static_cast<unsigned>(state));
}
// As kWorkerMoves.
inline constexpr std::array<uint8_t, kLeaseStates> kLeaseMoves = {
    Bit(LeaseState::kHeld),
    Bit(LeaseState::kNotLeased) | Bit(LeaseState::kInFlight),
    Bit(LeaseState::kNotLeased) | Bit(LeaseState::kHeld),
};

// A task in the hands of a worker.
struct HeldTask {
  TaskEntry* task = nullptr;
  uint32_t sequence = 0;
};

struct WorkerEntry {
  WorkerNumber number = kNoWorker;
  WorkerState state = WorkerState::kStarting;
  // The id of its process, for people; 0 if nobody has told it.
  int64_t pid = 0;
  // The driver whose tasks it runs; nil before its first task.
  DriverId driver;
  // First the task it runs, then those that it has prefetched. All of one scheduling class.
  // Empty unless Busy, Blocked or Ending. Of a worker that has an actor: first the creation, for
  // life, then calls.
  std::deque<HeldTask> held;
  // The scheduling class of the first of `held`; null if that is empty.
  SchedulingClass* scheduling_class = nullptr;
  uint32_t next_sequence = 0;
  // Number of the task that it ran at the last look (spreading.h).
  static constexpr uint32_t kNotLookedAt = UINT32_MAX;
  uint32_t front_looked_at = kNotLookedAt;
  // By the last answer to a revocation, tasks below this number have begun and cannot be taken
  // back.
  uint32_t begun_below = 0;
  // Ending: by the answer to a revocation, tasks from this number on have not begun and never will.
  // Its claim word, from which they were taken, says otherwise.
  uint32_t taken_back_from = std::numeric_limits<uint32_t>::max();
  // A revocation is on its way: nothing is handed out until it is answered.
  bool revoking = false;
  // The first number that was not handed out when it was asked for: what it was given since is not
  // meant.
  uint32_t revoke_end = 0;
  // It blocked and has not taken its CPU back (also when it was told to end since).
  bool gave_back_cpu = false;
  int64_t idle_since_ms = kTimeUnknown;
  // When the first of `held` came to the front.
  int64_t front_since_ms = kTimeUnknown;
  // Place in its scheduling class's `runners`, if it is one.
  size_t runner_index = 0;
  bool is_runner = false;

  // It was given the creation of an actor, and serves nothing else from then on.
  bool has_actor = false;
  // No process of this node: it stands for the worker that has its actor at another node, or will
  // (transitions/elsewhere.h).
  bool is_elsewhere = false;
  LeaseState lease = LeaseState::kNotLeased;
  // Indices of the GPUs that the first of `held` has.
  std::vector<uint32_t> gpus;

  // The scheduler may give it tasks, and revoke them. Of one that is not, somebody else gives it
  // each task when it can begin it.
  bool IsSchedulable() const { return lease == LeaseState::kNotLeased; }
  bool IsBound() const { return !driver.IsNil(); }
  // Where in `held` the task with this number is; held.size() if it is not there.
  size_t IndexOf(uint32_t sequence) const {
    const auto place = std::lower_bound(
        held.begin(), held.end(), sequence,
        [](const HeldTask& one, uint32_t wanted) { return one.sequence < wanted; });
    const bool is_there = place != held.end() && place->sequence == sequence;
    return is_there ? static_cast<size_t>(place - held.begin()) : held.size();
  }
  // Tasks prefetched, begun or not.
  size_t prefetched() const { return held.empty() ? 0 : held.size() - 1; }
  // How many a revocation would bring back, as far as known here.
  size_t revocable() const {
    if (!IsSchedulable()) return 0;
    size_t count = 0;
    for (size_t i = held.size(); i > 1 && held[i - 1].sequence >= begun_below; --i) ++count;
    return count;
  }
};

}  // namespace rayx::scheduler
