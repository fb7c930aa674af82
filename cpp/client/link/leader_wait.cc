#include "client/link/leader_wait.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "common/base/check.h"

namespace rayx {
namespace {

// How long a sender trusts that the leader reads before it looks for itself.
constexpr int64_t kTrustLeaderMs = 20;

Status TimeToLook() { return Status::Interrupted("time to look for signals"); }

// What is left until the first of the two; -1: no end.
int64_t Sooner(const Deadline& one, const Deadline& other) {
  const int64_t one_ms = one.RemainingMs();
  const int64_t other_ms = other.RemainingMs();
  if (one_ms < 0 || other_ms < 0) return std::max(one_ms, other_ms);
  return std::min(one_ms, other_ms);
}

}  // namespace

static_assert(LeaderWait::kChannelsMax < PollSet::kMax, "and one entry for those who wake");

LeaderWait::LeaderWait(WaitPolicy* policy)
    : policy_(policy),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      watch_(::epoll_create1(EPOLL_CLOEXEC)),
      watch_fd_(watch_.get()) {
  RAYX_CHECK_MSG(wake_.valid(), "eventfd");
  RAYX_CHECK_MSG(watch_.valid(), "epoll_create1");
}

// --- the channels ---

void LeaderWait::Add(std::shared_ptr<Channel> channel) {
  // Fails only without memory; then callers that watch fd() look late.
  epoll_event event{.events = EPOLLIN, .data = {}};
  (void)::epoll_ctl(watch_.get(), EPOLL_CTL_ADD, channel->fd(), &event);
  const auto place = std::find(channels_.begin(), channels_.end(), nullptr);
  RAYX_CHECK(place != channels_.end());
  *place = std::move(channel);
}

void LeaderWait::Remove(const std::shared_ptr<Channel>& channel) {
  const auto place = std::find(channels_.begin(), channels_.end(), channel);
  if (channel == nullptr || place == channels_.end()) return;
  // A leader that sleeps keeps the descriptor open for a while, so closing it would not take it out
  // of the set.
  (void)::epoll_ctl(watch_.get(), EPOLL_CTL_DEL, channel->fd(), nullptr);
  channel->Drop();
  place->reset();
}

void LeaderWait::FlushLeftOver() {
  for (const auto& channel : channels_) {
    if (channel != nullptr && channel->unsent_bytes() > 0) channel->TryFlush();
  }
}

// --- leading ---

Status LeaderWait::Lead(Lock* lock, int64_t timeout_ms) {
  leading_ = true;
  // A channel that is removed while we sleep stays whole until we have looked.
  const Channels channels = channels_;
  const bool stirred = stirred_;
  lock->unlock();
  PollSet set;
  const size_t woken = set.Add(wake_.get(), {.read = true});
  std::array<size_t, kChannelsMax> entries = {};
  std::optional<size_t> quick;
  for (size_t i = 0; i < kChannelsMax; ++i) {
    Channel* const channel = channels[i].get();
    if (channel == nullptr) continue;
    // What is queued would otherwise stay for as long as we sleep.
    if (channel->HasUnsent()) channel->TryFlush();
    entries[i] = set.Add(channel->fd(), {.read = true, .write = channel->unsent_bytes() > 0});
    if (stirred && channel->answers() == Channel::Answers::kAtOnce) quick = entries[i];
  }
  const Status slept = policy_->Wait(&set, quick, timeout_ms);
  if (set.readable(woken)) ForgetWake();
  for (size_t i = 0; i < kChannelsMax; ++i) {
    Channel* const channel = channels[i].get();
    if (channel == nullptr) continue;
    if (set.writable(entries[i])) channel->TryFlush();
    if (!set.readable(entries[i])) continue;
    if (lock->owns_lock()) lock->unlock();
    const Status read = channel->ReadSome();
    lock->lock();
    (void)channel->HandleFrames(read);
  }
  if (!lock->owns_lock()) lock->lock();
  const bool interrupted = slept.code() == StatusCode::kInterrupted;
  if (!slept.ok() && !interrupted) {
    for (const auto& channel : channels) {
      if (channel != nullptr) channel->Lose(slept);
    }
  }
  stirred_ = !slept.ok() || set.any() || (timeout_ms == 0 && stirred);
  StopLeading();
  // No longer as leader: an action may send, and a thread that waits for a full socket reads it
  // only if none leads.
  if (!unlocked_.empty()) {
    const auto actions = std::exchange(unlocked_, {});
    lock->unlock();
    for (const auto& action : actions) action();
    lock->lock();
  }
  return interrupted ? slept : end_reason_;
}

void LeaderWait::StopLeading() {
  leading_ = false;
  if (asleep_ > 0) changed_.notify_all();
}

void LeaderWait::Wake() {
  if (leading_) {
    const uint64_t once = 1;
    // This cannot fail: the eventfd counts, and no other code has its descriptor.
    RAYX_CHECK(::write(wake_.get(), &once, sizeof(once)) == sizeof(once));
  }
  if (asleep_ > 0) changed_.notify_all();
}

void LeaderWait::ForgetWake() {
  uint64_t count = 0;
  RAYX_CHECK(::read(wake_.get(), &count, sizeof(count)) == sizeof(count));
}

Status LeaderWait::WaitToWrite(Channel* channel) {
  Lock lock = LockState();
  if (!end_reason_.ok()) return end_reason_;
  const bool leads = !leading_;
  if (leads) leading_ = true;
  lock.unlock();
  PollSet set;
  const size_t entry = set.Add(channel->fd(), {.read = leads, .write = true});
  const Status slept = set.Wait(leads ? -1 : kTrustLeaderMs);
  if (leads) {
    if (set.readable(entry)) {
      const Status read = channel->ReadSome();
      lock.lock();
      // A failure to read shows again when a thread waits; here only the sending matters. What
      // handlers want to be run waits for the next leader, as this thread has the token.
      (void)channel->HandleFrames(read);
    } else {
      lock.lock();
    }
    StopLeading();
  }
  return slept;
}

// --- waiting ---

Status LeaderWait::Wait(Lock* lock, const Deadline& deadline, int64_t slice_ms,
                        const std::function<bool()>& ready, int64_t leader_slice_ms) {
  while (true) {
    const Status status = WaitOnce(lock, deadline, slice_ms, ready, leader_slice_ms);
    if (looks_for_signals_ || status.code() != StatusCode::kInterrupted) return status;
  }
}

Status LeaderWait::WaitOnce(Lock* lock, const Deadline& deadline, int64_t slice_ms,
                            const std::function<bool()>& ready, int64_t leader_slice_ms) {
  const Deadline slice = Deadline::After(slice_ms);
  bool looks_soon = stirred_ && leader_slice_ms <= kLeaderSliceMs;
  Deadline leader_slice = Deadline::After(looks_soon ? kSignalGapMs : leader_slice_ms);
  while (!ready()) {
    if (!end_reason_.ok()) return end_reason_;
    if (stirred_ && !looks_soon && leader_slice_ms <= kLeaderSliceMs) {
      looks_soon = true;
      leader_slice = Deadline::After(kSignalGapMs);
    }
    if (deadline.passed()) {
      // The thread that waits next has done something else in between.
      stirred_ = true;
      // What has arrived by now is in time.
      const Status polled = Poll(lock);
      if (ready()) return Status::Ok();
      return polled.ok() ? Status::TimedOut("the time is over") : polled;
    }
    if (!leading_) {
      if (leader_slice.passed()) return TimeToLook();
      const Status status = Lead(lock, Sooner(deadline, leader_slice));
      if (status.code() == StatusCode::kInterrupted && !ready()) return status;
      continue;
    }
    if (slice.passed()) return TimeToLook();
    // A send that a signal ended may have left something; the leader may sleep without knowing of
    // it.
    FlushLeftOver();
    SleepAsOther(lock, Sooner(deadline, slice));
    // A signal does not end such a sleep, and this thread may lead next.
    stirred_ = true;
  }
  return Status::Ok();
}

void LeaderWait::SleepAsOther(Lock* lock, int64_t timeout_ms) {
  ++asleep_;
  if (timeout_ms < 0) {
    changed_.wait(*lock);
  } else {
    changed_.wait_for(*lock, std::chrono::milliseconds(std::max<int64_t>(timeout_ms, 1)));
  }
  --asleep_;
}

Status LeaderWait::Poll(Lock* lock) {
  if (!end_reason_.ok()) return end_reason_;
  // The leader takes in everything at once as it comes.
  if (leading_) {
    FlushLeftOver();
    return Status::Ok();
  }
  const Status status = Lead(lock, 0);
  return status.code() == StatusCode::kInterrupted ? Status::Ok() : status;
}

// --- the end ---

void LeaderWait::End(Status reason) {
  end_reason_ = std::move(reason);
  changed_.notify_all();
}

void LeaderWait::Stop() {
  Lock lock = LockState();
  while (leading_) SleepAsOther(&lock, -1);
  const Channels channels = channels_;
  for (const auto& channel : channels) Remove(channel);
  watch_fd_.store(-1, std::memory_order_relaxed);
  watch_.Reset();
}

void LeaderWait::CloseInChild() {
  watch_fd_.store(-1, std::memory_order_relaxed);
  watch_.Reset();
}

}  // namespace rayx
