#include "scheduler/tables/start_backoff.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"

namespace rayx::scheduler {

void StartBackoff::OnStarted() {
  rounds_ = 0;
  is_unstamped_ = false;
  has_verdict_ = false;
}

void StartBackoff::OnWorkerEnded() { OnStarted(); }

void StartBackoff::OnFailed(std::string description) {
  description_ = std::move(description);
  if (!is_counted_) is_unstamped_ = true;
  is_counted_ = true;
}

void StartBackoff::OnTime(int64_t now_ms) {
  if (!is_unstamped_) return;
  is_unstamped_ = false;
  const int64_t wait_ms = kFirstWaitMs << std::min(rounds_, 30);
  ++rounds_;
  next_ms_ = now_ms + std::min(kWaitMsMax, wait_ms);
  next_unasked_ms_ = now_ms + std::min(kUnaskedWaitMsMax, wait_ms);
  has_verdict_ = rounds_ >= kFailedRoundsMax;
}

size_t StartBackoff::Allowed(int64_t now_ms, size_t starting) const {
  if (rounds_ == 0) return limits::kWorkerStartsMax - std::min(limits::kWorkerStartsMax, starting);
  return now_ms >= next_ms_ && starting == 0 ? 1 : 0;
}

std::optional<int64_t> StartBackoff::NextMs() const {
  return rounds_ == 0 ? std::nullopt : std::optional(next_ms_);
}

std::optional<int64_t> StartBackoff::NextUnaskedMs() const {
  return rounds_ == 0 ? std::nullopt : std::optional(next_unasked_ms_);
}

bool StartBackoff::TakeVerdict() { return std::exchange(has_verdict_, false); }

}  // namespace rayx::scheduler
