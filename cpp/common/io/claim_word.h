// Memory shared by a worker and its node: which of the tasks handed out ahead are begun, and which
// one is to be interrupted. Neither needs a message, which a busy worker would not read.
//
//   byte 0   next, u32   ┐ the claim word, written by both
//   byte 4   end, u32    ┘
//   byte 8   sequence, u32        ┐ the interrupt word, written by the node
//   byte 12  reason, u8; 3 zeros  ┘
//
// Tasks given to one worker are numbered 0, 1, 2, …. The claim word holds (next, end): the worker
// may begin task `next` if next < end, and says so by raising next by one. The node hands out a
// task by raising end, and takes back all that is not begun by setting next = end. Both by
// compare-and-swap, so a task is either begun or taken back, never both. A worker that meets a task
// whose number is below `next` knows that it was taken back, and drops it.
// A worker that writes nonsense harms only itself: the node checks what it reads against what it
// handed out, and never reads the interrupt word. Numbers wrap after 2^32 tasks of one worker;
// workers are replaced long before (the node checks).
//
// An interrupt replaces the one before, whether the worker has looked or not. The worker looks when
// a signal tells it to, and compares the number with those of the tasks that it runs: what was
// meant for a task that has ended does not meet the next one.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "common/base/status.h"
#include "common/io/scoped_fd.h"
#include "common/io/shared_memory.h"

namespace rayx {

class ClaimWord {
 public:
  struct Interrupted {
    uint32_t sequence = 0;
    // 0: no task has been interrupted. What else there is, is for the two to agree on.
    uint8_t reason = 0;
  };

  // A fresh word (0, 0), and no interrupt, in memory of their own.
  static Result<ClaimWord> Create();
  // The worker's side: maps the memory that came with the fork.
  static Result<ClaimWord> Map(int fd);
  ClaimWord(ClaimWord&&) = default;
  ClaimWord& operator=(ClaimWord&&) = default;

  // Node: task number `sequence` may be begun. REQUIRES: numbers rise by one.
  void HandOut(uint32_t sequence);
  // Node: returns the first number that the worker had not begun; none from it on will be.
  uint32_t TakeBack();
  // Worker: true if task `sequence` is ours to begin.
  bool Begin(uint32_t sequence);
  // First number not begun (or taken back).
  uint32_t next() const;

  // Node: task `sequence` is to be interrupted. The worker has to be told to look. REQUIRES: the
  // reason is not 0.
  void Interrupt(uint32_t sequence, uint8_t reason);
  // Worker: the last of them.
  Interrupted interrupt() const;

  // The memory's descriptor (node's side), to pass on.
  int fd() const { return fd_.get(); }

 private:
  ClaimWord(ScopedFd fd, SharedMapping mapping);
  std::atomic<uint64_t>& word() const { return word_at(0); }
  std::atomic<uint64_t>& interrupt_word() const { return word_at(sizeof(uint64_t)); }
  std::atomic<uint64_t>& word_at(size_t offset_bytes) const;
  ScopedFd fd_;
  SharedMapping mapping_;
  // Node: tasks handed out. Kept here, since the worker can write the word.
  uint32_t handed_out_ = 0;
};

}  // namespace rayx
