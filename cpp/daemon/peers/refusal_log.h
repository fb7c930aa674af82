// When the log tells of refused connections: a line for each of a flood would cost as much as all
// else, and fill the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "common/base/limits.h"

namespace rayx::daemon {

class RefusalLog {
 public:
  // A connection was refused. If it is time for a line: how many were since the last one, with this
  // one.
  std::optional<uint64_t> OnRefused(int64_t now_ms) {
    ++untold_;
    if (told_ && now_ms < *told_ + limits::kRefusalsLoggedMs) return std::nullopt;
    told_ = now_ms;
    return std::exchange(untold_, 0);
  }

 private:
  uint64_t untold_ = 0;
  // When the last line was written.
  std::optional<int64_t> told_;
};

}  // namespace rayx::daemon
