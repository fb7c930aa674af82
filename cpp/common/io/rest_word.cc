#include "common/io/rest_word.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace rayx {
namespace {

constexpr uint32_t kResting = 1;
constexpr uint32_t kHurried = 2;

static_assert(std::atomic<uint32_t>::is_always_lock_free, "shared between processes");
static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

// Not FUTEX_PRIVATE: the word is mapped by several processes.
void Futex(std::atomic<uint32_t>* word, int operation, uint32_t value, const timespec* timeout) {
  (void)::syscall(SYS_futex, reinterpret_cast<uint32_t*>(word), operation, value, timeout, nullptr,
                  0);
}

}  // namespace

void RestWord::Hurry() const {
  const uint32_t before = word_->fetch_add(kHurried, std::memory_order_seq_cst);
  if ((before & kResting) != 0) Futex(word_, FUTEX_WAKE, 1, nullptr);
}

void RestWord::Rest(int64_t us, uint32_t* seen) const {
  uint32_t word = word_->load(std::memory_order_seq_cst) & ~kResting;
  if (word != *seen) {
    *seen = word;
    return;
  }
  // Fails if we are hurried in between: what came is in the sockets by now.
  if (!word_->compare_exchange_strong(word, word | kResting, std::memory_order_seq_cst)) return;
  const timespec time{.tv_sec = us / 1'000'000, .tv_nsec = us % 1'000'000 * 1000};
  Futex(word_, FUTEX_WAIT, word | kResting, &time);
  word_->fetch_and(~kResting, std::memory_order_seq_cst);
}

}  // namespace rayx
