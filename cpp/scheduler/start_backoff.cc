#include "scheduler/start_backoff.h"

#include <algorithm>
#include <utility>

namespace rayx::scheduler {

void StartBackoff::OnStarted() {
  rounds_ = 0;
  next_ms_ = 0;
  unstamped_ = 0;
  failed_ms_.clear();
}

void StartBackoff::OnFailed(std::string description) {
  ++unstamped_;
  description_ = std::move(description);
}

void StartBackoff::OnTime(int64_t now_ms) {
  while (!failed_ms_.empty() && failed_ms_.front() + kFailedStartsWindowMs <= now_ms) {
    failed_ms_.pop_front();
  }
  for (; unstamped_ > 0; --unstamped_) StampFailure(now_ms);
}

void StartBackoff::StampFailure(int64_t now_ms) {
  failed_ms_.push_back(now_ms);
  // Failures of one batch are one round: they most likely have one cause.
  if (rounds_ > 0 && now_ms < next_ms_) return;
  const int doublings = std::min(rounds_, 30);
  ++rounds_;
  next_ms_ = now_ms + std::min(kWaitMsMax, kFirstWaitMs << doublings);
}

size_t StartBackoff::Allowed(int64_t now_ms, size_t starting) const {
  if (rounds_ == 0) return limits::kWorkerStartsMax - std::min(limits::kWorkerStartsMax, starting);
  if (now_ms < next_ms_ || starting > 0) return 0;
  return failed_ms_.size() < kFailedStartsMax ? 1 : 0;
}

std::optional<int64_t> StartBackoff::NextMs() const {
  if (rounds_ == 0) return std::nullopt;
  if (failed_ms_.size() < kFailedStartsMax) return next_ms_;
  const size_t over = failed_ms_.size() - kFailedStartsMax;
  return std::max(next_ms_, failed_ms_[over] + kFailedStartsWindowMs);
}

}  // namespace rayx::scheduler
