#include "common/shm/affinity_hint.h"

#include <utility>

#include "common/base/limits.h"

namespace rayx {

Result<AffinityHint> AffinityHint::Map(int pool_fd, uint64_t pool_bytes, bool writable) {
  Result<SharedMapping> page =
      SharedMapping::Map(pool_fd, limits::kAffinityHintBytes, writable, pool_bytes);
  if (!page.ok()) return page.status();
  return AffinityHint(std::move(*page));
}

std::atomic<int32_t>& AffinityHint::word() const {
  static_assert(std::atomic<int32_t>::is_always_lock_free);
  return *reinterpret_cast<std::atomic<int32_t>*>(page_.data());
}

int AffinityHint::cpu() const {
  return page_.valid() ? word().load(std::memory_order_relaxed) - 1 : kNone;
}

void AffinityHint::Publish(int cpu) const {
  if (page_.valid()) word().store(cpu + 1, std::memory_order_relaxed);
}

CpuBinding::CpuBinding(int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return;
  // More processors than fit into a cpu_set_t: then we are on a machine that can do without.
  if (::sched_getaffinity(0, sizeof(before_), &before_) != 0) return;
  if (!CPU_ISSET(cpu, &before_)) return;
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  bound_ = ::sched_setaffinity(0, sizeof(only), &only) == 0;
}

CpuBinding::~CpuBinding() {
  if (bound_) (void)::sched_setaffinity(0, sizeof(before_), &before_);
}

}  // namespace rayx
