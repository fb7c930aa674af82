// CHECK: programmer errors end the process, loudly and at once.
//
// RAYX_CHECK(condition) is always on. RAYX_DCHECK is compiled only without NDEBUG. Before the
// process aborts, the text that the flight log of this thread holds (flight_log.h) is printed, so
// that the last transitions and messages are in the log.
#pragma once

#include <string_view>

namespace rayx {

// Prints the failed condition, the place, `detail` and the flight log to standard error, then
// aborts.
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line,
                              std::string_view detail = {});

}  // namespace rayx

#define RAYX_CHECK(condition)                              \
  do {                                                     \
    if (!(condition)) [[unlikely]] {                       \
      ::rayx::CheckFailed(#condition, __FILE__, __LINE__); \
    }                                                      \
  } while (false)

#define RAYX_CHECK_MSG(condition, detail)                            \
  do {                                                               \
    if (!(condition)) [[unlikely]] {                                 \
      ::rayx::CheckFailed(#condition, __FILE__, __LINE__, (detail)); \
    }                                                                \
  } while (false)

// a implies b.
#define RAYX_IMPLIES(a, b) RAYX_CHECK(!(a) || (b))

#ifdef NDEBUG
#define RAYX_DCHECK(condition) \
  do {                         \
  } while (false)
#else
#define RAYX_DCHECK(condition) RAYX_CHECK(condition)
#endif
