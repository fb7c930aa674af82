// How a worker and its node agree, without a message, on which of the tasks handed out ahead are
// begun.
//
// Tasks given to one worker are numbered 0, 1, 2, …. One 64-bit word in memory shared by the two
// holds (next, end): the worker may begin task `next` if next < end, and says so by raising next by
// one. The node hands out a task by raising end, and takes back all that is not begun by setting
// next = end. Both by compare-and-swap, so a task is either begun or taken back, never both. A
// worker that meets a task whose number is below `next` knows that it was taken back, and drops it.
// A worker that writes nonsense harms only itself: the node checks what it reads against what it
// handed out. Numbers wrap after 2^32 tasks of one worker; workers are replaced long before (the
// node checks).
#pragma once

#include <atomic>
#include <cstdint>

#include "common/base/status.h"
#include "common/io/scoped_fd.h"
#include "common/io/shared_memory.h"

namespace rayx {

class ClaimWord {
 public:
  // A fresh word (0, 0) in memory of its own.
  static Result<ClaimWord> Create();
  // The worker's side: maps the word that came with the fork.
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

  // The memory's descriptor (node's side), to pass on.
  int fd() const { return fd_.get(); }

 private:
  ClaimWord(ScopedFd fd, SharedMapping mapping);
  std::atomic<uint64_t>& word() const;
  ScopedFd fd_;
  SharedMapping mapping_;
  // Node: tasks handed out. Kept here, since the worker can write the word.
  uint32_t handed_out_ = 0;
};

}  // namespace rayx
