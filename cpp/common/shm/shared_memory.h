// Memory that processes share: a memfd, without a name anywhere.
#pragma once

#include <cstdint>
#include <span>

#include "common/base/status.h"
#include "common/os/scoped_fd.h"

namespace rayx {

// A memfd of `bytes`, sealed against shrinking and growing, so that no peer can make another fault
// by truncating. `name` is what /proc shows; it is not a path.
Result<ScopedFd> CreateSharedMemory(const char* name, uint64_t bytes);
// The same memory through a descriptor that can only be read: mmap(PROT_WRITE), write and ftruncate
// fail on it.
Result<ScopedFd> ReopenReadOnly(int fd);

// Another descriptor for the same, to pass on.
Result<ScopedFd> DuplicateFd(int fd);

// A mapping of `bytes` of shared memory, from `offset` on; unmapped when destroyed. Move-only.
class SharedMapping {
 public:
  SharedMapping() = default;
  SharedMapping(SharedMapping&& other) noexcept;
  SharedMapping& operator=(SharedMapping&& other) noexcept;
  ~SharedMapping();

  // IoError if the descriptor is smaller or not sealed against shrinking. REQUIRES: `offset` is a
  // multiple of the page size.
  static Result<SharedMapping> Map(int fd, uint64_t bytes, bool writable, uint64_t offset = 0);
  // The same bytes, to be written without anybody else seeing it: a page that is written becomes
  // this mapping's own, and until then takes no memory. A descriptor that can only be read will do.
  // REQUIRES: nobody writes the bytes through another mapping while this one lives.
  static Result<SharedMapping> MapCopyOnWrite(int fd, uint64_t bytes, uint64_t offset);

  uint8_t* data() const { return data_; }
  uint64_t size() const { return size_; }
  bool valid() const { return data_ != nullptr; }

 private:
  static Result<SharedMapping> MapAs(int fd, uint64_t bytes, int protection, int flags,
                                     uint64_t offset);

  uint8_t* data_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace rayx
