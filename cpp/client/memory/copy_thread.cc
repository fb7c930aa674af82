#include "client/memory/copy_thread.h"

#include <signal.h>

#include <system_error>
#include <utility>

namespace rayx {
namespace {

// Threads that are started while it lives take no signals.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

CopyThreads::~CopyThreads() {
  for (std::thread& thread : threads_) thread.join();
}

bool CopyThreads::Start(std::function<void()> part) {
  const SignalsBlocked blocked;
  threads_.reserve(threads_.size() + 1);
  try {
    threads_.emplace_back(std::move(part));
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

}  // namespace rayx
