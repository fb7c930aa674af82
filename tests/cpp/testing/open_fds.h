// Open descriptors of this process, for tests that look for leaks.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>

#include <cstddef>
#include <filesystem>

namespace rayx {

inline size_t OpenFdCount() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  // The iterator's own.
  return count - 1;
}

// As long as it lives, this process can open no more than `spare` descriptors.
class FewFds {
 public:
  explicit FewFds(size_t spare) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlim_t limit = 0;
    // Up to the first free one that is too many.
    while (::fcntl(static_cast<int>(limit), F_GETFD) >= 0 || spare-- > 0) ++limit;
    const rlimit few{limit, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewFds() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewFds(const FewFds&) = delete;
  FewFds& operator=(const FewFds&) = delete;

 private:
  rlimit before_{};
};

}  // namespace rayx
