// When the log tells of refused connections: a line for each of a flood would cost as much as all
// else, and fill the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "common/base/limits.h"

namespace rayx::daemon {

class RefusalLog {
 public:
  // Tells at most once in `interval_ms`.
  explicit RefusalLog(int64_t interval_ms = limits::kRefusalsLoggedMs)
      : interval_ms_(interval_ms) {}

  // A connection of `peer` ("pid 7") was refused. If it is time for a line, that line, which counts
  // those that were not told.
  std::optional<std::string> OnRefused(const std::string& peer, const std::string& why,
                                       int64_t now_ms) {
    ++untold_;
    if (told_ && now_ms < *told_ + interval_ms_) return std::nullopt;
    told_ = now_ms;
    std::string line = "refused a connection of " + peer + ": " + why;
    if (const uint64_t count = std::exchange(untold_, 0); count > 1) {
      line += ", and " + std::to_string(count - 1) + " others since the last such line";
    }
    return line;
  }

 private:
  int64_t interval_ms_;
  uint64_t untold_ = 0;
  // When the last line was written.
  std::optional<int64_t> told_;
};

}  // namespace rayx::daemon
