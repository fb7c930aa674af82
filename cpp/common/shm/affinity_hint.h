// The processor on which processes that only wait for each other should meet.
//
// When a driver waits for a task, the worker for the next one, and the node for both, one of them
// runs at a time; yet the kernel wakes each on whichever processor is idle, and waking an idle one
// takes ten times as long as handing over the one that is about to be given up (30-60 us against
// 2-5 us in a virtual machine). So the node, when it sees such ping-pong
// (daemon/latency/ping_pong.h), stays on one processor and publishes its number in memory that all
// its clients map; who then sleeps on the connection does so bound to that processor, and is free
// again before it does anything else.
//
// Only the sleeping thread is bound, never user code.
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>

#include "common/base/status.h"
#include "common/shm/shared_memory.h"

namespace rayx {

class AffinityHint {
 public:
  // Nobody can map it: cpu() is always kNone.
  AffinityHint() = default;
  // It follows the `pool_bytes` of the pool, in the same memory. IoError if that is smaller.
  static Result<AffinityHint> Map(int pool_fd, uint64_t pool_bytes, bool writable);

  static constexpr int kNone = -1;
  // kNone: everybody anywhere.
  int cpu() const;
  // The node's. REQUIRES: mapped writable.
  void Publish(int cpu) const;

 private:
  explicit AffinityHint(SharedMapping page) : page_(std::move(page)) {}
  // One more than the number, so that fresh memory says kNone.
  std::atomic<int32_t>& word() const;

  SharedMapping page_;
};

// While it lives, the calling thread runs on one processor alone; afterwards where it might before.
// Nothing happens if `cpu` is AffinityHint::kNone, or not among those where the thread may run.
class CpuBinding {
 public:
  explicit CpuBinding(int cpu);
  ~CpuBinding();
  CpuBinding(const CpuBinding&) = delete;
  CpuBinding& operator=(const CpuBinding&) = delete;

  bool bound() const { return bound_; }

 private:
  bool bound_ = false;
  cpu_set_t before_;
};

}  // namespace rayx
