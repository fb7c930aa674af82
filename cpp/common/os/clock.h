// The clocks of this machine, for shells. Cores are told the time; they never ask for it.
#pragma once

#include <cstdint>
#include <ctime>

namespace rayx {

// Milliseconds of a clock that never jumps. Comparable between the processes of one machine, and
// only there.
inline int64_t MonotonicMs() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// The same clock in microseconds.
inline int64_t MonotonicUs() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

// Seconds since the epoch, for people and for tables that several machines read.
inline double WallSeconds() {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Stops the calling thread for so long, or until a signal is handled.
inline void SleepUs(int64_t us) {
  const timespec time{.tv_sec = us / 1'000'000, .tv_nsec = us % 1'000'000 * 1000};
  (void)::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

}  // namespace rayx
