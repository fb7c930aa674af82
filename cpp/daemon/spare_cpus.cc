#include "daemon/spare_cpus.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "common/io/scoped_fd.h"

namespace rayx::daemon {
namespace {

// "0.20 0.18 0.12 2/811 11206": the number before the slash; 0 if there is none.
size_t RunnableThreads(std::string_view text) {
  const size_t slash = text.find('/');
  const size_t space = text.substr(0, slash).rfind(' ');
  if (slash == text.npos || space == text.npos) return 0;
  size_t count = 0;
  const auto parsed = std::from_chars(text.data() + space + 1, text.data() + slash, count);
  return parsed.ptr == text.data() + slash ? count : 0;
}

}  // namespace

SpareCpus::SpareCpus(size_t cpus, std::string loadavg)
    : cpus_(cpus), loadavg_(std::move(loadavg)) {}

bool SpareCpus::Look(int64_t now_us) {
  if (cpus_ == 0) return false;
  if (now_us - looked_us_ >= kLookUs) {
    looked_us_ = now_us;
    has_spare_ = HasSpare();
  }
  return has_spare_;
}

bool SpareCpus::HasSpare() const {
  const ScopedFd file(::open(loadavg_.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 128> text{};
  const ssize_t bytes = file.valid() ? ::read(file.get(), text.data(), text.size()) : -1;
  if (bytes <= 0) return false;
  const size_t runnable = RunnableThreads({text.data(), static_cast<size_t>(bytes)});
  // We are one of them.
  return runnable > 0 && runnable - 1 <= cpus_;
}

}  // namespace rayx::daemon
