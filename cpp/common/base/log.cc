#include "common/base/log.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>

namespace rayx {
namespace {

struct Logger {
  // Empty before StartLog.
  std::string component;
  LogLevel least = LogLevel::kWarning;
};

// Written by StartLog, before there are threads.
Logger& TheLogger() {
  static Logger logger;
  return logger;
}

const char* NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

// Local time, "2026-01-31T12:34:56.789".
std::string TimeText() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::tm local{};
  ::localtime_r(&now.tv_sec, &local);
  std::array<char, 32> seconds{};
  const size_t size = std::strftime(seconds.data(), seconds.size(), "%Y-%m-%dT%H:%M:%S", &local);
  std::array<char, 8> milliseconds{};
  std::snprintf(milliseconds.data(), milliseconds.size(), ".%03d",
                static_cast<int>(now.tv_nsec / 1'000'000));
  return std::string(seconds.data(), size) + milliseconds.data();
}

// In one call, so that lines of several threads and processes do not mix. There is nobody to tell
// if it fails.
void WriteToStandardError(std::string_view line) {
  while (!line.empty()) {
    const ssize_t count = ::write(STDERR_FILENO, line.data(), line.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    line.remove_prefix(static_cast<size_t>(count));
  }
}

}  // namespace

void StartLog(std::string_view component, LogLevel least) {
  TheLogger() = {.component = std::string(component), .least = least};
}

void Log(LogLevel level, std::string_view text) {
  const Logger& logger = TheLogger();
  if (level < logger.least) return;
  const std::string origin = logger.component.empty()
                                 ? "rayx:"
                                 : TimeText() + " " + NameOf(level) + " " + logger.component + " " +
                                       std::to_string(::getpid());
  WriteToStandardError(origin + " " + EscapeControl(text) + "\n");
}

std::string EscapeControl(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  unsigned char before = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // U+0080 to U+009F are control characters as well: terminals take some of them for an escape
    // sequence.
    const bool is_c1 = before == 0xc2 && byte >= 0x80 && byte <= 0x9f;
    before = byte;
    if (byte < 0x20 || byte == 0x7f || is_c1) {
      out += "\\x";
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace rayx
