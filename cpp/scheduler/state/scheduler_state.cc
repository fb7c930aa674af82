#include "scheduler/state/scheduler_state.h"

#include <algorithm>
#include <utility>

namespace rayx::scheduler {
namespace {

WorkerPool::Options PoolOptions(const SchedulerOptions& options) {
  const int64_t units = options.total.Get(kCpu).units();
  const int64_t cpus = (units + ResourceAmount::kUnitsPerOne - 1) / ResourceAmount::kUnitsPerOne;
  WorkerPool::Options pool;
  pool.workers_max = options.workers_max;
  pool.prestart = std::min(options.prestart_workers, options.workers_max);
  pool.cpus = static_cast<size_t>(std::max<int64_t>(cpus, 1));
  return pool;
}

}  // namespace

SchedulerState::SchedulerState(SchedulerOptions given)
    : options(std::move(given)),
      shapes(options.total),
      queue(shapes),
      ledger(options.total),
      gpus(options.total.Get(kGpu)),
      pool(PoolOptions(options)),
      pipeline(options.pipeline ? limits::kPipelineDepth : 0) {}

}  // namespace rayx::scheduler
