// Open descriptors of this process, for tests that look for leaks.
#pragma once

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

}  // namespace rayx
