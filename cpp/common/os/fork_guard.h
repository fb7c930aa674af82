// Tells whether this process is a fork of the one that made the guard, without a system call each
// time.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "common/base/status.h"

namespace rayx {

// The kernel wipes one page of ours in every child (MADV_WIPEONFORK); where it cannot, process ids
// are compared.
class ForkGuard {
 public:
  ForkGuard();
  ~ForkGuard();
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;

  bool InChild() const;
  // What calls return in a child.
  static Status ForkedStatus();

 private:
  // Holds kAlive in the process that made it, 0 in its children; null if the kernel does not wipe.
  volatile uint32_t* page_ = nullptr;
  pid_t pid_;
};

}  // namespace rayx
