#include "client/memory/pool_file.h"

#include <sys/stat.h>

#include <utility>

namespace rayx {

PoolFile::PoolFile(ScopedFd file) : file_(std::move(file)) {
  struct stat status;
  if (!file_.valid() || ::fstat(file_.get(), &status) != 0) return;  // and is not found again
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

bool PoolFile::IsOpen() const {
  struct stat status;
  return file_.valid() && ::fstat(file_.get(), &status) == 0 && status.st_dev == device_ &&
         status.st_ino == inode_;
}

void PoolFile::Close() {
  if (IsOpen()) {
    file_.Reset();
  } else {
    (void)file_.Release();
  }
}

}  // namespace rayx
