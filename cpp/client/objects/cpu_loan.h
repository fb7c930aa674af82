// A task that waits lends its CPUs to other tasks: the node is told when its first wait begins
// (Blocked) and when its last one has ended (Unblocked). Waits may overlap: a thread of the task in
// get, an event loop that awaits.
//
// Any thread may call it.
#pragma once

#include <cstdint>
#include <mutex>

#include "client/link/node_link.h"
#include "common/base/status.h"

namespace rayx {

class CpuLoan {
 public:
  // `link` must outlive it.
  explicit CpuLoan(NodeLink* link) : link_(link) {}

  // A wait begins; Return ends it, given what this returns.
  Result<uint64_t> Lend();
  // The wait has ended. Nothing happens if its task has ended before.
  Status Return(uint64_t wait);

  // A task has begun: if another one of this worker waits, the worker has something to do again.
  Status OnTaskBegun();
  // A task is about to be reported as done, which the node takes for the end of its waits.
  void OnTaskEnded();

 private:
  Status Send(uint16_t type);

  NodeLink* const link_;
  // Held while sending, so that messages go out in the order of what happens.
  std::mutex mutex_;
  // Rises with each task; waits of earlier tasks are over.
  uint64_t epoch_ = 1;
  uint32_t waits_ = 0;
};

}  // namespace rayx
