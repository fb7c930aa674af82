// Whether the machine has a processor for each thread that wants one, so that processes which only
// wait for each other may keep theirs meanwhile (client/link/spin.h) without taking it from a
// thread that works.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "common/os/scoped_fd.h"

namespace rayx::daemon {

class SpareCpus {
 public:
  // How long an answer is good. A look costs 5 us.
  static constexpr int64_t kLookUs = 5000;

  // `cpus`: how many threads may run at the same time; 0: nothing is ever spare. `loadavg`: the
  // kernel's file, which tells how many threads of the machine run or wait for a processor.
  explicit SpareCpus(size_t cpus, const std::string& loadavg = "/proc/loadavg");

  // Whether all threads but the caller's have a processor. That becomes true when a processor is
  // idle, and false again when twice in a row one is missing: threads that run for a moment only
  // come and go all the time. A machine that does not tell has none to spare.
  bool Look(int64_t now_us);

 private:
  // How many threads but the caller's run or wait for a processor; nothing if the machine does not
  // tell.
  std::optional<size_t> CountRunnable() const;
  bool Decide();

  const size_t cpus_;
  const ScopedFd loadavg_;
  int64_t looked_us_ = -kLookUs;
  bool has_spare_ = false;
  bool missed_ = false;
};

}  // namespace rayx::daemon
