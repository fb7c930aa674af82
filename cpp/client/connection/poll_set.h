// Descriptors that one thread sleeps on together, with poll(2).
//
//   PollSet set;
//   const size_t node = set.Add(fd, {.read = true});
//   const Status status = set.Wait(timeout_ms);
//   if (set.readable(node)) …
//
// One thread uses it. Waiting again forgets what was found before.
#pragma once

#include <poll.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/base/status.h"

namespace rayx {

class PollSet {
 public:
  static constexpr size_t kMax = 4;

  struct Interest {
    bool read = false;
    bool write = false;
  };
  // Returns the entry's index. A negative descriptor never becomes ready. REQUIRES: fewer than kMax
  // have been added.
  size_t Add(int fd, Interest interest);

  // Sleeps until an entry is ready or `timeout_ms` are over (negative: without end). Nothing is
  // ready after a failure: Interrupted if a signal arrived, else what the system says.
  Status Wait(int64_t timeout_ms);

  // A descriptor that is closed, by its peer or here, or broken, is ready for whatever was wanted
  // of it: the attempt tells why.
  bool readable(size_t entry) const { return IsReady(entry, POLLIN); }
  bool writable(size_t entry) const { return IsReady(entry, POLLOUT); }
  bool any() const { return any_; }

 private:
  bool IsReady(size_t entry, int16_t event) const {
    const pollfd& one = entries_[entry];
    return any_ && (one.events & event) != 0 &&
           (one.revents & (event | POLLHUP | POLLERR | POLLNVAL)) != 0;
  }

  std::array<pollfd, kMax> entries_ = {};
  size_t count_ = 0;
  bool any_ = false;
};

}  // namespace rayx
