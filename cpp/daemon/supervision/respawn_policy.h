// Whether, and how soon, a process of a standing session is started again after its end.
//
// A process that has served for a while and dies is started again at once. One that dies soon after
// its start, again and again, will most likely do so for ever: after pauses that double it is given
// up, and the session with it.
#pragma once

#include <cstdint>
#include <optional>

namespace rayx::daemon {

// Of one process. It is told the time, in milliseconds of any steady clock.
class RespawnPolicy {
 public:
  // An end within this time after the start is a quick one.
  static constexpr int64_t kQuickMs = 10'000;
  // So many in a row, and the process is given up.
  static constexpr int kQuickEndsMax = 5;
  // Before the start that follows the second quick end in a row; doubled from then on.
  static constexpr int64_t kFirstPauseMs = 100;

  void OnStarted(int64_t now_ms) { started_ms_ = now_ms; }

  // How long to wait before it is started again; nothing if it is given up.
  std::optional<int64_t> OnEnded(int64_t now_ms) {
    quick_ends_ = now_ms - started_ms_ < kQuickMs ? quick_ends_ + 1 : 0;
    if (quick_ends_ >= kQuickEndsMax) return std::nullopt;
    return quick_ends_ < 2 ? 0 : kFirstPauseMs << (quick_ends_ - 2);
  }

 private:
  int64_t started_ms_ = 0;
  int quick_ends_ = 0;
};

}  // namespace rayx::daemon
