#include "daemon/latency/spare_cpus.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>
#include <utility>

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

SpareCpus::SpareCpus(size_t cpus, const std::string& loadavg)
    : cpus_(cpus), loadavg_(::open(loadavg.c_str(), O_RDONLY | O_CLOEXEC)) {}

bool SpareCpus::Look(int64_t now_us) {
  if (cpus_ == 0) return false;
  if (now_us - looked_us_ >= kLookUs) {
    looked_us_ = now_us;
    has_spare_ = Decide();
  }
  return has_spare_;
}

bool SpareCpus::Decide() {
  const std::optional<size_t> runnable = CountRunnable();
  if (!runnable) return false;
  const bool missed_before = std::exchange(missed_, *runnable > cpus_);
  return has_spare_ ? !missed_ || !missed_before : *runnable < cpus_;
}

std::optional<size_t> SpareCpus::CountRunnable() const {
  std::array<char, 128> text{};
  const ssize_t bytes = ::pread(loadavg_.get(), text.data(), text.size(), 0);
  if (bytes <= 0) return std::nullopt;
  const size_t runnable = RunnableThreads({text.data(), static_cast<size_t>(bytes)});
  // The caller is one of them.
  return runnable > 0 ? std::optional(runnable - 1) : std::nullopt;
}

}  // namespace rayx::daemon
