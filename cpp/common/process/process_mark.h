// Which driver a process works for: a variable of its environment, which its children inherit
// however they detach themselves. Workers set it (python/rayx/process/process_mark.py).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace rayx {

inline constexpr std::string_view kProcessMark = "RAYX_PROCESS_MARK";

// Its value in the environment that /proc shows; empty if there is none, the process is gone, or it
// is another user's.
std::string ProcessMarkOf(pid_t pid);

}  // namespace rayx
