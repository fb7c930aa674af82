#include "daemon/records/task_counts.h"

#include <utility>

#include "common/base/limits.h"

namespace rayx::daemon {

void TaskCounts::Flush(int64_t now_ms) {
  const auto due = NextFlushMs();
  if (!due || now_ms < *due) return;
  last_flush_ms_ = now_ms;
  if (done_ > 0) tables_->counters().Add("tasks_done", std::exchange(done_, 0));
  if (failed_ > 0) tables_->counters().Add("tasks_failed", std::exchange(failed_, 0));
}

std::optional<int64_t> TaskCounts::NextFlushMs() const {
  if (done_ == 0 && failed_ == 0) return std::nullopt;
  return last_flush_ms_ + limits::kControlFlushMs;
}

}  // namespace rayx::daemon
