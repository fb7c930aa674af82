#include "common/shm/rest_word.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace rayx {
namespace {

constexpr uint32_t kResting = 1;
constexpr uint32_t kHurried = 2;

static_assert(std::atomic<uint32_t>::is_always_lock_free, "shared between processes");
static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

}  // namespace

Result<ScopedFd> CreateRestBell() {
  ScopedFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell.valid()) return Status::FromErrno("eventfd", errno);
  return bell;
}

void RestWord::Hurry(int bell) const {
  const uint32_t before = word_->fetch_add(kHurried, std::memory_order_seq_cst);
  if ((before & kResting) == 0) return;
  const uint64_t once = 1;
  // If it fails, the rest lasts until its time is over.
  [[maybe_unused]] const ssize_t written = ::write(bell, &once, sizeof(once));
}

void RestWord::Rest(const RestSet& set, int ms, uint32_t* seen) const {
  uint32_t word = word_->load(std::memory_order_seq_cst) & ~kResting;
  if (word != *seen) {
    *seen = word;
    return;
  }
  // Fails if we are hurried in between: what came is in the sockets by now.
  if (!word_->compare_exchange_strong(word, word | kResting, std::memory_order_seq_cst)) return;
  set.Wait(ms);
  word_->fetch_and(~kResting, std::memory_order_seq_cst);
}

}  // namespace rayx
