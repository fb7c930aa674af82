// Threads that do parts of one copy beside the caller's own.
//
// They take no signals, which are for the caller's threads, and hold nothing when they end. One
// thread uses an object of this class.
#pragma once

#include <functional>
#include <thread>
#include <vector>

namespace rayx {

class CopyThreads {
 public:
  CopyThreads() = default;
  // Waits for all parts.
  ~CopyThreads();
  CopyThreads(const CopyThreads&) = delete;
  CopyThreads& operator=(const CopyThreads&) = delete;

  // Does `part`, which must not throw, on a thread of its own. False if the system gives none: then
  // the caller does the part.
  bool Start(std::function<void()> part);

 private:
  std::vector<std::thread> threads_;
};

}  // namespace rayx
