#include "common/shm/doorbell_word.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace rayx {
namespace {

constexpr uint32_t kSleeping = 1;
constexpr uint32_t kRung = 2;

static_assert(std::atomic<uint32_t>::is_always_lock_free, "shared between processes");
static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

}  // namespace

Result<ScopedFd> CreateDoorbell() {
  ScopedFd doorbell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!doorbell.valid()) return Status::FromErrno("eventfd", errno);
  return doorbell;
}

// Both sides change the word by one atomic step, and all such steps on a word have one order. So a
// ring either comes before the node's last step, which fails then, or finds the bit and wakes the
// node. What was sent before the ring is in its socket by that time.

void DoorbellWord::Ring(int doorbell) const {
  const uint32_t before = word_->fetch_add(kRung, std::memory_order_seq_cst);
  if ((before & kSleeping) == 0) return;
  const uint64_t once = 1;
  // If it fails, the node sleeps until its time is over.
  [[maybe_unused]] const ssize_t written = ::write(doorbell, &once, sizeof(once));
}

void DoorbellWord::SleepUntilRung(const WakeSet& set, int ms, uint32_t* seen) const {
  uint32_t word = word_->load(std::memory_order_seq_cst) & ~kSleeping;
  if (word != *seen) {
    *seen = word;
    return;
  }
  // Fails if somebody rings in between: what came is in the sockets by now.
  if (!word_->compare_exchange_strong(word, word | kSleeping, std::memory_order_seq_cst)) return;
  set.Wait(ms);
  word_->fetch_and(~kSleeping, std::memory_order_seq_cst);
}

}  // namespace rayx
