#include "common/shm/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <utility>

namespace rayx {

Result<ScopedFd> CreateSharedMemory(const char* name, uint64_t bytes) {
  if (bytes == 0 || bytes > INT64_MAX) {
    return Status::InvalidArgument("shared memory of " + std::to_string(bytes) + " bytes");
  }
  ScopedFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return Status::FromErrno("memfd_create", errno);
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
    return Status::FromErrno("ftruncate of shared memory", errno);
  }
  // Read-only for every process that opens it anew: a reader that was given a read-only descriptor
  // cannot get a writable one from /proc/self/fd. Root may nevertheless, as may an owner who
  // changes the mode first; both could as well attach a debugger to us. This descriptor stays
  // writable, since it was opened before.
  if (::fchmod(fd.get(), 0400) != 0) return Status::FromErrno("fchmod of shared memory", errno);
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return Status::FromErrno("sealing of shared memory", errno);
  }
  return fd;
}

Result<ScopedFd> ReopenReadOnly(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  ScopedFd read_only(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!read_only.valid()) return Status::FromErrno("open " + path, errno);
  return read_only;
}

Result<ScopedFd> DuplicateFd(int fd) {
  ScopedFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) return Status::FromErrno("fcntl(F_DUPFD_CLOEXEC)", errno);
  return copy;
}

SharedMapping::SharedMapping(SharedMapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SharedMapping& SharedMapping::operator=(SharedMapping&& other) noexcept {
  SharedMapping taken(std::move(other));
  std::swap(data_, taken.data_);
  std::swap(size_, taken.size_);
  return *this;
}

SharedMapping::~SharedMapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Result<SharedMapping> SharedMapping::Map(int fd, uint64_t bytes, bool writable, uint64_t offset) {
  return MapAs(fd, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, offset);
}

Result<SharedMapping> SharedMapping::MapCopyOnWrite(int fd, uint64_t bytes, uint64_t offset) {
  // Few of its pages are written, as a rule: none is set aside beforehand.
  return MapAs(fd, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, offset);
}

Result<SharedMapping> SharedMapping::MapAs(int fd, uint64_t bytes, int protection, int flags,
                                           uint64_t offset) {
  // Checked first: memory that its maker can shrink is a SIGBUS waiting for us.
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) {
    return Status::IoError("shared memory is not sealed against shrinking");
  }
  struct stat status;
  if (::fstat(fd, &status) != 0) return Status::FromErrno("fstat of shared memory", errno);
  const auto size = static_cast<uint64_t>(status.st_size);
  if (bytes == 0 || size < bytes || size - bytes < offset) {
    return Status::IoError("shared memory has " + std::to_string(size) + " bytes, not the " +
                           std::to_string(bytes) + " from " + std::to_string(offset) +
                           " on that were asked for");
  }
  void* const address = ::mmap(nullptr, bytes, protection, flags, fd, static_cast<off_t>(offset));
  if (address == MAP_FAILED) {
    const std::string advice =
        errno == ENOMEM ? " (a limit of the address space, `ulimit -v`, leaves no room for it)"
                        : "";
    return Status::FromErrno(
        "mmap of " + std::to_string(bytes) + " bytes of shared memory" + advice, errno);
  }
  // A crash of one process must not write everybody's objects to disk.
  ::madvise(address, bytes, MADV_DONTDUMP);
  SharedMapping mapping;
  mapping.data_ = static_cast<uint8_t*>(address);
  mapping.size_ = bytes;
  return mapping;
}

}  // namespace rayx
