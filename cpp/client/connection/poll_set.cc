#include "client/connection/poll_set.h"

#include <algorithm>
#include <cerrno>
#include <climits>

#include "common/base/check.h"

namespace rayx {

size_t PollSet::Add(int fd, Interest interest) {
  RAYX_CHECK(count_ < kMax);
  pollfd& entry = entries_[count_];
  entry.fd = fd;
  entry.events =
      static_cast<int16_t>((interest.read ? POLLIN : 0) | (interest.write ? POLLOUT : 0));
  return count_++;
}

Status PollSet::Wait(int64_t timeout_ms) {
  const int timeout =
      timeout_ms < 0 ? -1 : static_cast<int>(std::min<int64_t>(timeout_ms, INT_MAX));
  const int count = ::poll(entries_.data(), count_, timeout);
  any_ = count > 0;
  if (count >= 0) return Status::Ok();
  if (errno == EINTR) return Status::Interrupted("a signal arrived while waiting");
  return Status::FromErrno("poll", errno);
}

}  // namespace rayx
