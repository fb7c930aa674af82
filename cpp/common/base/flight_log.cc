#include "common/base/flight_log.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "common/base/check.h"

namespace rayx {
namespace {

struct Ring {
  std::array<std::array<char, FlightLog::kLineBytes>, FlightLog::kLines> lines{};
  std::array<size_t, FlightLog::kLines> sizes{};
  size_t count = 0;
};

// Allocated on the first note, so that short-lived processes do not pay for it.
Ring& ThisThreadsRing() {
  thread_local std::unique_ptr<Ring> ring = std::make_unique<Ring>();
  return *ring;
}

}  // namespace

void FlightLog::Note(std::string_view line) {
  Ring& ring = ThisThreadsRing();
  const size_t slot = ring.count++ % kLines;
  const size_t size = std::min(line.size(), kLineBytes);
  std::memcpy(ring.lines[slot].data(), line.data(), size);
  ring.sizes[slot] = size;
}

std::string FlightLog::Text() {
  const Ring& ring = ThisThreadsRing();
  const size_t kept = std::min(ring.count, kLines);
  std::string text;
  for (size_t i = ring.count - kept; i < ring.count; ++i) {
    const size_t slot = i % kLines;
    text.append(ring.lines[slot].data(), ring.sizes[slot]);
    text.push_back('\n');
  }
  return text;
}

void FlightLog::Clear() { ThisThreadsRing() = Ring(); }

void CheckFailed(const char* condition, const char* file, int line, std::string_view detail) {
  std::fprintf(stderr, "rayx: check failed: %s at %s:%d %.*s\n", condition, file, line,
               static_cast<int>(detail.size()), detail.data());
  const std::string history = FlightLog::Text();
  if (!history.empty()) std::fprintf(stderr, "the last events were:\n%s", history.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace rayx
