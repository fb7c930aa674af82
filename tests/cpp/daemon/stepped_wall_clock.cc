// Preloaded into a program (LD_PRELOAD): its wall clock is as many seconds ahead as a file says at
// that moment, as if somebody set it. The file is named by RAYX_TEST_WALL_CLOCK and has 8 bytes;
// all other clocks are as they were.
//
// What the kernel does by the wall clock, such as waiting until a time of it, goes by the real one:
// so whoever waits that way waits for too long, or not at all, and a test sees it.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

int64_t SecondsAhead() {
  static const volatile int64_t* const ahead = [] {
    const char* const path = std::getenv("RAYX_TEST_WALL_CLOCK");
    const int fd = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) std::abort();
    auto* const mapped = ::mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) std::abort();
    ::close(fd);
    return static_cast<const volatile int64_t*>(mapped);
  }();
  return *ahead;
}

}  // namespace

#define RAYX_PRELOADED extern "C" __attribute__((visibility("default")))

RAYX_PRELOADED int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, now));
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec += SecondsAhead();
  }
  return result;
}

// allow(void-pointer): it is declared so
RAYX_PRELOADED int gettimeofday(timeval* now, void*) noexcept {
  timespec precise;
  if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
  *now = {.tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000};
  return 0;
}

RAYX_PRELOADED time_t time(time_t* told) noexcept {
  timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  if (told != nullptr) *told = now.tv_sec;
  return now.tv_sec;
}
