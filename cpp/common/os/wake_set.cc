#include "common/os/wake_set.h"

#include <sys/epoll.h>

#include <array>

#include "common/base/check.h"

namespace rayx {

WakeSet::WakeSet() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  RAYX_CHECK_MSG(epoll_.valid(), "epoll_create1");
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
  std::array<epoll_event, 64> events;
  (void)::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), ms);
}

}  // namespace rayx
