#include "daemon/listening/acceptor.h"

#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"

namespace rayx::daemon {
namespace {

// When the process is out of descriptors, accepting is tried again after this time.
constexpr int64_t kAcceptRetryMs = 200;

}  // namespace

Acceptor::Acceptor(EventLoop* loop, Take take) : loop_(loop), take_(std::move(take)) {}

void Acceptor::Open(ScopedFd socket) {
  socket_ = std::move(socket);
  Watch();
}

void Acceptor::Watch() {
  if (!watch_) watch_ = loop_->Watch(socket_.get(), [this] { due_ = true; });
}

void Acceptor::PauseFor(int64_t ms) {
  watch_.reset();
  due_ = false;
  pause_ = loop_->CallAt(loop_->now_ms() + ms, [this] { due_ = true; });
}

void Acceptor::Close() {
  watch_.reset();
  pause_.reset();
  due_ = false;
  socket_.Reset();
}

void Acceptor::OnTurn() {
  if (!std::exchange(due_, false)) return;
  pace_.BeginTurn(loop_->now_ms());
  while (pace_.Take()) {
    const Result<bool> taken = take_(socket_.get());
    if (!taken.ok()) {
      LogWarning("accept: " + taken.status().message());
      return PauseFor(kAcceptRetryMs);
    }
    if (!*taken) break;
  }
  pace_.WantsPause() ? PauseFor(limits::kAcceptPauseMs) : Watch();
}

void Acceptor::OnRefusedLater() {
  pace_.OnRefused();
  if (watch_) PauseFor(limits::kAcceptPauseMs);
}

}  // namespace rayx::daemon
