// Which thread may write to the socket.
//
// Like a mutex, but to try for it is allowed to the thread that holds it already (and fails): a
// destructor that runs while its thread is sending must neither hang nor write into the middle of a
// frame.
#pragma once

#include <condition_variable>
#include <mutex>

namespace rayx {

class SendToken {
 public:
  void Acquire() {
    std::unique_lock lock(mutex_);
    while (taken_) {
      ++waiting_;
      released_.wait(lock);
      --waiting_;
    }
    taken_ = true;
  }
  bool TryAcquire() {
    const std::lock_guard lock(mutex_);
    if (taken_) return false;
    taken_ = true;
    return true;
  }
  void Release() {
    const std::lock_guard lock(mutex_);
    taken_ = false;
    if (waiting_ > 0) released_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  bool taken_ = false;
  int waiting_ = 0;
};

}  // namespace rayx
