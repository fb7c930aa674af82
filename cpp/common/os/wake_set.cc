#include "common/os/wake_set.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>

#include "common/base/check.h"

namespace rayx {

namespace {

constexpr uint32_t kAsleep = 1;
constexpr uint32_t kWoken = 2;

}  // namespace

WakeSet::WakeSet()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), woken_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  RAYX_CHECK_MSG(epoll_.valid(), "epoll_create1");
  RAYX_CHECK_MSG(woken_.valid(), "eventfd");
  Add(woken_.get());
}

// Both fail only for what the loop could not watch either, or without memory; then a sleep lasts
// until its time is over.

void WakeSet::Add(int fd) {
  // Edges: what is ready and not heard yet, since its peer is held back, must not end every sleep.
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void WakeSet::Remove(int fd) { (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void WakeSet::Wait(int ms) const {
  if ((state_.fetch_or(kAsleep) & kWoken) == 0) {
    std::array<epoll_event, 64> events;
    (void)::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), ms);
  }
  state_.store(0);
}

void WakeSet::Wake() {
  // A second call before the sleeper is up has nothing to add.
  if (state_.fetch_or(kWoken) != kAsleep) return;
  const uint64_t once = 1;
  // It counts up, and nobody else has the descriptor.
  RAYX_CHECK(::write(woken_.get(), &once, sizeof(once)) == sizeof(once));
}

void WakeSet::ForgetWake() {
  if (state_.load(std::memory_order_relaxed) != 0) state_.store(0);
}

}  // namespace rayx
