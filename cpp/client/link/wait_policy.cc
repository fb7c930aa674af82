#include "client/link/wait_policy.h"

#include <sched.h>

#include <utility>

#include "common/os/clock.h"

namespace rayx {

void WaitPolicy::SetDoorbell(std::shared_ptr<const ClaimWord> memory, ScopedFd doorbell) {
  const std::lock_guard lock(mutex_);
  memory_ = std::move(memory);
  doorbell_ = std::move(doorbell);
  has_memory_.store(memory_ != nullptr, std::memory_order_relaxed);
}

void WaitPolicy::Ring() {
  if (!has_memory_.load(std::memory_order_relaxed)) return;
  // This holds the mutex so that the doorbell's number is not closed and given to another file
  // meanwhile.
  const std::lock_guard lock(mutex_);
  if (memory_ != nullptr) memory_->doorbell().Ring(doorbell_.get());
}

bool WaitPolicy::MayLook() {
  // Where all meet on one processor, the peer could not run while this thread looks. And the node
  // might find no processor if both ends looked for what only it can say.
  if (hint_.cpu() != AffinityHint::kNone || node_is_asked_.load(std::memory_order_relaxed))
    return false;
  const std::lock_guard lock(mutex_);
  return memory_ != nullptr && memory_->may_spin();
}

Status WaitPolicy::Look(PollSet* set, size_t quick) {
  const int64_t limit_us = MayLook() ? spin_.OnWait() : 0;
  if (limit_us == 0) return Status::Ok();
  const int64_t begin_us = MonotonicUs();
  int64_t looked_us = 0;
  Status status;
  do {
    status = set->Wait(0);
    looked_us = MonotonicUs() - begin_us;
    if (!status.ok() || set->any() || looked_us >= limit_us) break;
    // Another thread that wants this processor has it: the node, if it was woken here.
    ::sched_yield();
  } while (MayLook());
  spin_.OnSpun(set->readable(quick), looked_us);
  return status;
}

Status WaitPolicy::Wait(PollSet* set, std::optional<size_t> quick, int64_t timeout_ms) {
  if (timeout_ms == 0) return set->Wait(0);
  if (quick) {
    RAYX_RETURN_IF_ERROR(Look(set, *quick));
    if (set->any()) return Status::Ok();
  }
  // The thread is bound only while it sleeps: what it does afterwards is user code.
  const CpuBinding near_the_node(hint_.cpu());
  return set->Wait(timeout_ms);
}

}  // namespace rayx
