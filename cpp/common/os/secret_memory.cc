#include "common/os/secret_memory.h"

#include <string.h>
#include <sys/mman.h>

#include <algorithm>

#include "common/base/check.h"

namespace rayx {

SecretMemory::SecretMemory(std::span<const uint8_t> bytes) {
  RAYX_CHECK(!bytes.empty());
  void* const pages = ::mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, /*offset=*/0);
  RAYX_CHECK(pages != MAP_FAILED);
  RAYX_CHECK(::madvise(pages, bytes.size(), MADV_DONTDUMP) == 0);
  memory_ = {static_cast<uint8_t*>(pages), bytes.size()};
  std::ranges::copy(bytes, memory_.begin());
}

SecretMemory::~SecretMemory() {
  ::explicit_bzero(memory_.data(), memory_.size());
  ::munmap(memory_.data(), memory_.size());
}

}  // namespace rayx
