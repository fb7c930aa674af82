// One line of log: time, level, component, text. Written to standard error, which the supervisor
// directs into the session's log directory. Control characters in the text are escaped, so that a
// name chosen by a user cannot forge a line.
#pragma once

#include <string>
#include <string_view>

namespace rayx {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Sets up logging for this process: `component` names it in each line. Call once, from main.
void StartLog(std::string_view component, LogLevel least);
// Writes a line; from any thread. Before StartLog, lines below warning are dropped.
void Log(LogLevel level, std::string_view text);

inline void LogDebug(std::string_view text) { Log(LogLevel::kDebug, text); }
inline void LogInfo(std::string_view text) { Log(LogLevel::kInfo, text); }
inline void LogWarning(std::string_view text) { Log(LogLevel::kWarning, text); }
inline void LogError(std::string_view text) { Log(LogLevel::kError, text); }

// `text` with control characters (C0, delete and C1) as \xNN; everything else as it is.
std::string EscapeControl(std::string_view text);

}  // namespace rayx
