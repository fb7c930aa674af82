// A descriptor of the node's shared memory that outlives its use.
#pragma once

#include <sys/types.h>

#include "common/os/scoped_fd.h"

namespace rayx {

// A program that closes descriptors it does not know, as daemons do, may have another file under
// this number by now. So a caller asks IsOpen first, and the descriptor is closed only if it is
// still the pool's.
//
// It is not synchronized.
class PoolFile {
 public:
  PoolFile() = default;
  explicit PoolFile(ScopedFd file);
  PoolFile(PoolFile&& other) = default;
  PoolFile& operator=(PoolFile&& other) = delete;
  ~PoolFile() { Close(); }

  // Whether the descriptor is there, and still that of the pool.
  bool IsOpen() const;
  // REQUIRES: IsOpen().
  int get() const { return file_.get(); }
  void Close();

 private:
  ScopedFd file_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace rayx
