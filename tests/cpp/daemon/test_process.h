// What tests of processes ask about them: memory, descriptors, whether they are there, and waiting
// with a bound.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace rayx {

// Looks every few milliseconds until `condition` holds; false if it does not within `timeout`.
bool WaitUntil(const std::function<bool()>& condition,
               std::chrono::milliseconds timeout = std::chrono::seconds(10));

// Zombies count as gone.
bool IsAlive(pid_t pid);
size_t FdCountOf(pid_t pid);
size_t RssBytesOf(pid_t pid);
// The state and time columns of /proc/<pid>/stat: CPU time used, in clock ticks.
long CpuTicksOf(pid_t pid);
std::string ReadFile(const std::string& path);

// Whether a process's memory says something about what it holds: a sanitizer keeps what was freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMemoryTells = false;
#else
inline constexpr bool kMemoryTells = true;
#endif

// A fresh private directory; removed at the end, whatever is left in it.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace rayx
