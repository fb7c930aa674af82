#include "common/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>
#include <utility>

namespace rayx {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

void StartLog(std::string_view component, LogLevel least) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>(std::string(component), std::move(sink));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %n %P %v");
  logger->set_level(ToSpdlog(least));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void Log(LogLevel level, std::string_view text) {
  spdlog::logger* logger = spdlog::default_logger_raw();
  // The logger without a name is spdlog's own, which StartLog replaces. It writes to standard
  // output, which is not ours.
  if (logger == nullptr || logger->name().empty()) {
    if (level < LogLevel::kWarning) return;
    const std::string line = EscapeControl(text);
    std::fprintf(stderr, "rayx: %s\n", line.c_str());
    return;
  }
  if (!logger->should_log(ToSpdlog(level))) return;
  logger->log(ToSpdlog(level), EscapeControl(text));
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
