// Ends what a driver's tasks have left behind when it ends before the session does: processes that
// detached themselves from their worker (double fork, setsid), or outlived it. They are known by
// their mark (process_mark.h) and killed, again and again until none is left or time is up.
//
// A process that has cleaned its environment and left its worker is not found; it ends with the
// session.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "common/base/ids.h"
#include "common/io/event_loop.h"

namespace rayx::daemon {

class OrphanReaper {
 public:
  // `loop` must outlive it. Only what is below `root` is looked at.
  OrphanReaper(EventLoop* loop, pid_t root) : loop_(loop), root_(root) {}

  // The driver is gone, and its workers are being ended in this turn.
  void OnDriverGone(const DriverId& driver);
  std::string DebugText() const;

 private:
  struct Search {
    int64_t deadline_ms = 0;
    int clean_sweeps = 0;
    std::unique_ptr<EventLoop::Timer> timer;
  };
  void SweepIn(int64_t delay_ms, const DriverId& driver);
  void Sweep(const DriverId& driver);
  // Returns how many were found.
  size_t KillMarked(const std::string& mark, bool spares_trackers) const;

  EventLoop* loop_;
  pid_t root_;
  std::unordered_map<DriverId, Search> searches_;
  // For DebugText.
  uint64_t begun_ = 0;
};

}  // namespace rayx::daemon
