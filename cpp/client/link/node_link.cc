#include "client/link/node_link.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/os/clock.h"

namespace rayx {
namespace {

// A signal lets a send return before its frame is on the wire, as long as no more than this is left
// over.
constexpr size_t kLeftOverBytesMax = limits::kFrameBytesMax;

// What is held at most: enough that the write and the wake-up cost little per object.
constexpr size_t kHeldBytesMax = 32u << 10;

// How long a sender trusts that the leader reads before it looks for itself.
constexpr int64_t kTrustLeaderMs = 20;

Status LinkClosed() { return Status::Disconnected("the connection to the node is closed"); }

// Fails only without memory; then those who watch fd() look late.
void Watch(int epoll_fd, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {}};
  (void)::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

Status TimeToLook() { return Status::Interrupted("time to look for signals"); }

// What is left until the first of the two; -1: no end.
int64_t Sooner(const Deadline& one, const Deadline& other) {
  const int64_t one_ms = one.RemainingMs();
  const int64_t other_ms = other.RemainingMs();
  if (one_ms < 0 || other_ms < 0) return std::max(one_ms, other_ms);
  return std::min(one_ms, other_ms);
}

}  // namespace

NodeLink::NodeLink(std::unique_ptr<FrameStream> stream, std::shared_ptr<ReferenceQueue> references,
                   Handler handler)
    : stream_(std::move(stream)),
      references_(std::move(references)),
      handler_(std::move(handler)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      watch_(::epoll_create1(EPOLL_CLOEXEC)),
      watch_fd_(watch_.get()) {
  RAYX_CHECK_MSG(wake_.valid(), "eventfd");
  RAYX_CHECK_MSG(watch_.valid(), "epoll_create1");
  Watch(watch_.get(), stream_->fd());
}

// --- sending ---

void NodeLink::QueueReferences() {
  references_->Drain(
      [this](uint16_t type, std::span<const uint8_t> payload) { stream_->Queue(type, payload); });
}

void NodeLink::SetRest(std::shared_ptr<const ClaimWord> memory, ScopedFd bell) {
  const std::lock_guard lock(rest_mutex_);
  rest_ = std::move(memory);
  rest_bell_ = std::move(bell);
}

void NodeLink::Hurry() {
  const std::lock_guard lock(rest_mutex_);
  if (rest_ != nullptr) rest_->rest().Hurry(rest_bell_.get());
}

Status NodeLink::Send(uint16_t type, std::span<const uint8_t> payload, Urgency urgency) {
  if (payload.size() > limits::kFrameBytesMax) {
    return Status::InvalidArgument("a message of " + std::to_string(payload.size()) +
                                   " bytes is over the limit of " +
                                   std::to_string(limits::kFrameBytesMax));
  }
  token_.Acquire();
  Status status;
  if (closed_.load()) {
    const Lock lock = LockState();
    status = lost_;
  } else {
    QueueReferences();
    stream_->Queue(type, payload);
    status = stream_->Flush();
    if (stream_->unsent_bytes() > 0) Hurry();
    const auto goes_on = [&] {
      return status.ok() ||
             (urgency == Urgency::kSoon && status.code() == StatusCode::kInterrupted);
    };
    while (goes_on() && stream_->unsent_bytes() > 0) status = WriteMore();
    // The frame is whole in the buffer and will follow; the caller may look at the signal.
    if (status.code() == StatusCode::kInterrupted) status = Status::Ok();
  }
  token_.Release();
  if (urgency == Urgency::kNow) {
    node_is_asked_.store(true, std::memory_order_relaxed);
    Hurry();
  }
  if (!status.ok() && !closed_.load()) {
    Lock lock = LockState();
    Lose(status);
    status = lost_;
  }
  if (flush_wanted_.load()) TryFlush();
  return status;
}

Status NodeLink::Hold(uint16_t type, std::span<const uint8_t> payload) {
  token_.Acquire();
  const bool holds = !closed_.load() && stream_->unsent_bytes() + payload.size() < kHeldBytesMax;
  if (holds) {
    QueueReferences();
    stream_->Queue(type, payload);
  }
  token_.Release();
  if (!holds) return Send(type, payload);
  if (flush_wanted_.load()) TryFlush();
  return Status::Ok();
}

Status NodeLink::WriteMore() {
  Lock lock = LockState();
  if (!lost_.ok()) return lost_;
  const bool lead = !leading_;
  if (lead) leading_ = true;
  lock.unlock();
  const auto ready = stream_->Wait(lead, true, lead ? -1 : kTrustLeaderMs);
  if (lead) {
    // A failure to read shows again when someone waits; here only the sending matters.
    if (ready.ok() && ready->readable) {
      (void)ReadAndHandle(&lock);
    } else {
      lock.lock();
    }
    StopLeading();
    lock.unlock();
  }
  if (!ready.ok()) {
    const bool interrupted = ready.status().code() == StatusCode::kInterrupted;
    if (!interrupted || stream_->unsent_bytes() <= kLeftOverBytesMax) return ready.status();
  }
  return stream_->Flush();
}

void NodeLink::TryFlush() {
  flush_wanted_.store(true);
  while (flush_wanted_.load() && token_.TryAcquire()) {
    flush_wanted_.store(false);
    if (!closed_.load()) {
      QueueReferences();
      // A broken connection is noticed by whoever reads.
      (void)stream_->Flush();
    }
    token_.Release();
  }
}

// --- receiving ---

Status NodeLink::Start() {
  const Lock lock = LockState();
  const Status status = HandleFrames();
  if (!status.ok()) Lose(status);
  return status;
}

Status NodeLink::HandleFrames() {
  while (true) {
    const Result<std::optional<Frame>> frame = stream_->Next();
    if (!frame.ok()) return frame.status();
    if (!*frame) return Status::Ok();
    RAYX_RETURN_IF_ERROR(handler_(stream_.get(), **frame));
  }
}

Status NodeLink::ReadAndHandle(Lock* lock) {
  Status status = stream_->ReadSome();
  lock->lock();
  // Also when the peer has closed: what it said before still counts.
  const Status handled = HandleFrames();
  if (status.ok()) status = handled;
  if (!status.ok()) Lose(status);
  return status;
}

// --- the line ---

void NodeLink::SetLine(std::shared_ptr<FrameStream> line) {
  DropLine();
  line_ = std::move(line);
  if (line_ != nullptr) Watch(watch_.get(), line_->fd());
}

void NodeLink::DropLine() {
  if (line_ == nullptr) return;
  // The leader may hold it still; the peer is to know at once.
  (void)::epoll_ctl(watch_.get(), EPOLL_CTL_DEL, line_->fd(), nullptr);
  line_->Shutdown();
  line_.reset();
}

void NodeLink::ReadLine(Lock* lock, const std::shared_ptr<FrameStream>& line) {
  Status status = line->ReadSome();
  lock->lock();
  while (line == line_) {
    const Result<std::optional<Frame>> frame = line->Next();
    if (frame.ok() && !*frame) break;
    status = frame.ok() ? line_handler_.on_frame(**frame) : frame.status();
    if (!status.ok()) break;
  }
  if (status.ok() || line != line_) return;
  DropLine();
  line_handler_.on_lost();
}

bool NodeLink::SendOnLine(uint16_t type, std::span<const uint8_t> payload) {
  std::shared_ptr<FrameStream> line;
  {
    const Lock lock = LockState();
    line = line_;
  }
  if (line == nullptr) return false;
  line->Queue(type, payload);
  node_is_asked_.store(false, std::memory_order_relaxed);
  if (line->Flush().ok() && line->unsent_bytes() == 0) return true;
  // Whoever leads finds it closed.
  line->Shutdown();
  return false;
}

void NodeLink::Wake() {
  if (leading_) {
    const uint64_t once = 1;
    // It counts; nobody else has the descriptor.
    RAYX_CHECK(::write(wake_.get(), &once, sizeof(once)) == sizeof(once));
  }
  if (asleep_ > 0) changed_.notify_all();
}

void NodeLink::ForgetWake() {
  uint64_t count = 0;
  RAYX_CHECK(::read(wake_.get(), &count, sizeof(count)) == sizeof(count));
}

void NodeLink::StopLeading() {
  leading_ = false;
  if (asleep_ > 0) changed_.notify_all();
}

void NodeLink::Lose(const Status& reason) {
  if (!lost_.ok()) return;
  const bool known = reason.code() == StatusCode::kDisconnected;
  lost_ = known ? reason
                : Status::Disconnected("the connection to the node broke: " + reason.message());
  closed_.store(true);
  stream_->Shutdown();
  changed_.notify_all();
}

bool NodeLink::MaySpin() {
  // Where all meet on one processor, the peer could not run meanwhile. And the node might not if
  // both ends looked for what only it can say.
  if (home_.cpu() != HomeCpu::kNone || node_is_asked_.load(std::memory_order_relaxed)) return false;
  const std::lock_guard lock(rest_mutex_);
  return rest_ != nullptr && rest_->may_spin();
}

Result<FrameStream::Readiness> NodeLink::SpinOnLine(bool unsent, int line_fd) {
  const int64_t limit_us = MaySpin() ? spin_.OnWait() : 0;
  Result<FrameStream::Readiness> ready = FrameStream::Readiness();
  if (limit_us == 0) return ready;
  const int64_t begin_us = MonotonicUs();
  int64_t looked_us = 0;
  do {
    ready = stream_->Wait(true, unsent, 0, wake_.get(), line_fd);
    looked_us = MonotonicUs() - begin_us;
    if (!ready.ok() || ready->any() || looked_us >= limit_us) break;
    // Whoever wants this processor has it: the node, if it was woken here.
    ::sched_yield();
  } while (MaySpin());
  spin_.OnSpun(ready.ok() && ready->line, looked_us);
  return ready;
}

Result<FrameStream::Readiness> NodeLink::Sleep(bool unsent, int64_t timeout_ms, int line_fd,
                                               bool may_spin) {
  if (line_fd >= 0 && timeout_ms != 0 && may_spin) {
    const auto ready = SpinOnLine(unsent, line_fd);
    if (!ready.ok() || ready->any()) return ready;
  }
  const CpuBinding near_the_node(timeout_ms == 0 ? HomeCpu::kNone : home_.cpu());
  return stream_->Wait(true, unsent, timeout_ms, wake_.get(), line_fd);
}

Status NodeLink::Lead(Lock* lock, int64_t timeout_ms) {
  leading_ = true;
  const std::shared_ptr<FrameStream> line = line_;
  const bool stirred = stirred_;
  lock->unlock();
  // What is queued would otherwise stay for as long as we sleep.
  if (!references_->empty() || stream_->unsent_bytes() > 0) TryFlush();
  const bool unsent = stream_->unsent_bytes() > 0;
  const auto ready = Sleep(unsent, timeout_ms, line != nullptr ? line->fd() : -1, stirred);
  if (ready.ok() && ready->woken) ForgetWake();
  if (ready.ok() && ready->writable) TryFlush();
  Status status;
  if (ready.ok() && ready->readable) {
    status = ReadAndHandle(lock);
  } else {
    lock->lock();
    status = ready.status();
    if (!status.ok() && status.code() != StatusCode::kInterrupted) Lose(status);
  }
  stirred_ = !ready.ok() || ready->any() || (timeout_ms == 0 && stirred);
  if (ready.ok() && ready->line) {
    lock->unlock();
    ReadLine(lock, line);
  }
  if (std::exchange(settle_wanted_, false)) {
    lock->unlock();
    line_handler_.settle();
    lock->lock();
  }
  StopLeading();
  return status;
}

Status NodeLink::Wait(Lock* lock, const Deadline& deadline, int64_t slice_ms,
                      const std::function<bool()>& ready, int64_t leader_slice_ms) {
  while (true) {
    const Status status = WaitOnce(lock, deadline, slice_ms, ready, leader_slice_ms);
    if (looks_for_signals_ || status.code() != StatusCode::kInterrupted) return status;
  }
}

Status NodeLink::WaitOnce(Lock* lock, const Deadline& deadline, int64_t slice_ms,
                          const std::function<bool()>& ready, int64_t leader_slice_ms) {
  const Deadline slice = Deadline::After(slice_ms);
  bool looks_soon = stirred_ && leader_slice_ms <= kLeaderSliceMs;
  Deadline leader_slice = Deadline::After(looks_soon ? kSignalGapMs : leader_slice_ms);
  while (!ready()) {
    if (!lost_.ok()) return lost_;
    if (stirred_ && !looks_soon && leader_slice_ms <= kLeaderSliceMs) {
      looks_soon = true;
      leader_slice = Deadline::After(kSignalGapMs);
    }
    if (deadline.passed()) {
      // Whoever waits next has done something else in between.
      stirred_ = true;
      // What has arrived by now is in time.
      RAYX_RETURN_IF_ERROR(Poll(lock));
      return ready() ? Status::Ok() : Status::TimedOut("the time is over");
    }
    if (!leading_) {
      if (leader_slice.passed()) return TimeToLook();
      const Status status = Lead(lock, Sooner(deadline, leader_slice));
      if (status.code() == StatusCode::kInterrupted && !ready()) return status;
      continue;
    }
    if (slice.passed()) return TimeToLook();
    // Left over by a send that a signal ended; the leader may sleep without knowing of it.
    if (stream_->unsent_bytes() > 0) TryFlush();
    const int64_t sleep_ms = Sooner(deadline, slice);
    ++asleep_;
    if (sleep_ms < 0) {
      changed_.wait(*lock);
    } else {
      changed_.wait_for(*lock, std::chrono::milliseconds(std::max<int64_t>(sleep_ms, 1)));
    }
    --asleep_;
    // A signal does not end such a sleep, and this thread may lead next.
    stirred_ = true;
  }
  return Status::Ok();
}

Status NodeLink::Poll(Lock* lock) {
  if (!lost_.ok()) return lost_;
  // The leader takes in everything at once as it comes.
  if (leading_) {
    if (stream_->unsent_bytes() > 0) TryFlush();
    return Status::Ok();
  }
  const Status status = Lead(lock, 0);
  return status.code() == StatusCode::kInterrupted ? Status::Ok() : status;
}

// --- the end ---

void NodeLink::Close() {
  TryFlush();
  {
    Lock lock = LockState();
    if (lost_.ok()) Lose(LinkClosed());
  }
  // Nobody begins to read or write now; those who do are woken by the shutdown, and then the
  // descriptor can go.
  token_.Acquire();
  Lock lock = LockState();
  while (leading_) {
    ++asleep_;
    changed_.wait(lock);
    --asleep_;
  }
  DropLine();
  stream_->Close();
  watch_fd_.store(-1, std::memory_order_relaxed);
  watch_.Reset();
  lock.unlock();
  token_.Release();
}

void NodeLink::CloseInChild() {
  stream_->Close();
  watch_fd_.store(-1, std::memory_order_relaxed);
  watch_.Reset();
}

}  // namespace rayx
