#include "common/os/fork_guard.h"

#include <sys/mman.h>
#include <unistd.h>

namespace rayx {
namespace {

constexpr uint32_t kAlive = 1;
constexpr size_t kGuardBytes = 4096;

}  // namespace

ForkGuard::ForkGuard() : pid_(::getpid()) {
  void* const memory =
      ::mmap(nullptr, kGuardBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  if (::madvise(memory, kGuardBytes, MADV_WIPEONFORK) != 0) {
    ::munmap(memory, kGuardBytes);
    return;
  }
  page_ = static_cast<volatile uint32_t*>(memory);
  *page_ = kAlive;
}

ForkGuard::~ForkGuard() {
  if (page_ != nullptr) ::munmap(const_cast<uint32_t*>(page_), kGuardBytes);
}

Status ForkGuard::ForkedStatus() {
  return Status::Forked(
      "this process is a fork of the one that opened the connection; open one of its own");
}

bool ForkGuard::InChild() const { return page_ != nullptr ? *page_ != kAlive : ::getpid() != pid_; }

}  // namespace rayx
