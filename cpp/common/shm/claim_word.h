// Memory shared by a worker and its node: which of the tasks handed out ahead are begun, and which
// one is to be interrupted. Neither needs a message, which a busy worker would not read.
//
//   bits 0..31   next           ┐ the claim word, written by all
//   bits 32..62  end            │
//   bit 63       lent           ┘
//   bits 0..31   sequence       ┐ the interrupt word, written by the node
//   bits 32..39  reason         ┘
//
// They lie in the worker's page (worker_page.h), whose other words are read and written here, too.
//
// Tasks given to one worker are numbered 0, 1, 2, …. The claim word holds (next, end): the worker
// may begin task `next` if next < end, and says so by raising next by one. The node hands out a
// task by raising end, and takes back all that is not begun by setting next = end. Both by
// compare-and-swap, so a task is either begun or taken back, never both. A worker that meets a task
// whose number is below `next` knows that it was taken back, and drops it.
//
// While `lent` is set, a client hands out instead of the node, if nothing else waits: it takes the
// number `end` for a task by raising end. The node reclaims it by the same compare-and-swap, which
// fails if a number has been taken of which it has not heard: then it will hear soon.
//
// A worker or client that writes nonsense harms only this worker: the node checks what it reads
// against what it knows to be handed out, and never reads the interrupt word. Numbers end at 2^31;
// workers are replaced long before (the node checks).
//
// An interrupt replaces the one before, whether the worker has looked or not. The worker looks when
// a signal tells it to, and compares the number with those of the tasks that it runs: what was
// meant for a task that has ended does not meet the next one.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/status.h"
#include "common/os/scoped_fd.h"
#include "common/shm/doorbell_word.h"
#include "common/shm/shared_memory.h"
#include "common/shm/worker_page.h"

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

  // Sequence numbers are smaller than this.
  static constexpr uint32_t kSequenceEnd = 1u << 31;

  // Node: task number `sequence` may be begun. REQUIRES: numbers rise by one, it is not lent.
  void HandOut(uint32_t sequence);
  // Node: returns the first number that the worker had not begun; none from it on will be. It is
  // not lent any more; what the client took counts as handed out.
  uint32_t TakeBack();

  // Node: a client may hand out.
  void Lend();
  // Node: it has said that it has handed out this number.
  void OnHandedOut(uint32_t sequence);
  // Node: false, and nothing happens, if a number was taken that OnHandedOut has not been told of.
  bool Reclaim();
  // Client: a number for the next task; nothing if it is not lent, or a task waits to be begun.
  std::optional<uint32_t> Take();

  enum class Claim { kOurs, kTakenBack, kNotYet };
  // Worker: whether task `sequence` is ours to begin. kNotYet: others come before it.
  Claim Begin(uint32_t sequence);
  // First number not begun (or taken back).
  uint32_t next() const;

  // Node: task `sequence` is to be interrupted. The worker has to be told to look. REQUIRES: the
  // reason is not 0.
  void Interrupt(uint32_t sequence, uint8_t reason);
  // Worker: the last of them.
  Interrupted interrupt() const;

  // Node: whether there is a processor to spare for a process that waits for a quick answer.
  void AllowSpinning(bool allowed);
  bool may_spin() const;

  // Worker: something is to be run when it ends, so that the end of its driver waits for it.
  void NoteExitWork();
  bool has_exit_work() const;

  // Tells the node to look at once, or lets it sleep (doorbell_word.h). The doorbell itself is not
  // part of the memory.
  DoorbellWord doorbell() const;

  // The memory's descriptor (node's side), to pass on.
  int fd() const { return fd_.get(); }

 private:
  ClaimWord(ScopedFd fd, SharedMapping mapping);
  WorkerPage& page() const;
  template <typename Change>
  auto Update(Change change);
  ScopedFd fd_;
  SharedMapping mapping_;
  // Node: tasks known to be handed out. Kept here, since others can write the word.
  uint32_t handed_out_ = 0;
  // Node: it is lent.
  bool lent_ = false;
};

}  // namespace rayx
