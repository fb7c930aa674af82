#include "common/os/random_bytes.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "common/base/check.h"

namespace rayx {

void FillRandom(std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    RAYX_CHECK_MSG(got > 0, std::strerror(errno));
    out = out.subspan(static_cast<size_t>(got));
  }
}

void RandomIdSource::Take(std::span<uint8_t> out) {
  if (!guard_ || guard_->InChild()) {
    guard_.emplace();
    used_ = buffer_.size();
  }
  if (out.size() > buffer_.size() - used_) {
    FillRandom(buffer_);
    used_ = 0;
  }
  std::memcpy(out.data(), buffer_.data() + used_, out.size());
  used_ += out.size();
}

}  // namespace rayx
