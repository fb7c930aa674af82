// The page of shared memory of a worker: its node maps it, and so does a client that has a direct
// channel to it. This is the one place that says what lies where.
//
// All of it is read and written without locks, and each word by itself: what a word says never
// depends on another. ClaimWord (claim_word.h) is the way to it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace rayx {

struct WorkerPage {
  // Which tasks are handed out, and which are begun; written by all (claim_word.h).
  std::atomic<uint64_t> claims;
  // Which task is to be interrupted, and why; written by the node (claim_word.h).
  std::atomic<uint64_t> interrupt;
  // Whether the node sleeps, and how often it was rung; written by all (doorbell_word.h).
  std::atomic<uint32_t> doorbell;
  // Not 0 while the ends of a pair may spin (client/link/spin.h); written by the node.
  std::atomic<uint32_t> may_spin;
  // Not 0 once the worker has something to finish when it ends; written by the worker.
  std::atomic<uint32_t> has_exit_work;
  uint32_t unused;
};

// Processes of one installation share the page, and its memory begins as zeros.
static_assert(std::atomic<uint64_t>::is_always_lock_free, "a lock would be of one process");
static_assert(std::atomic<uint32_t>::is_always_lock_free, "a lock would be of one process");
static_assert(offsetof(WorkerPage, claims) == 0);
static_assert(offsetof(WorkerPage, interrupt) == 8);
static_assert(offsetof(WorkerPage, doorbell) == 16);
static_assert(offsetof(WorkerPage, may_spin) == 20);
static_assert(offsetof(WorkerPage, has_exit_work) == 24);
static_assert(sizeof(WorkerPage) == 32);

}  // namespace rayx
