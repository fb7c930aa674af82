// How many seeds a test runs.
#pragma once

#include <cstdint>

namespace rayx::sim {

// As many as are wanted; a tenth of them under a sanitizer, which makes a life ten times as long
// and looks at each byte of it.
constexpr uint64_t SeedsFor(uint64_t wanted) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return wanted / 10;
#else
  return wanted;
#endif
}

}  // namespace rayx::sim
