#include "common/io/claim_word.h"

#include <algorithm>
#include <new>
#include <utility>

#include "common/base/check.h"

namespace rayx {
namespace {

static_assert(std::atomic<uint64_t>::is_always_lock_free, "shared between processes");
static_assert(sizeof(std::atomic<uint64_t>) == sizeof(uint64_t));

constexpr uint64_t kMemoryBytes = 2 * sizeof(uint64_t);

struct Claims {
  uint32_t next;
  uint32_t end;
};

Claims Unpack(uint64_t word) {
  return {static_cast<uint32_t>(word), static_cast<uint32_t>(word >> 32)};
}

uint64_t Pack(Claims claims) { return uint64_t{claims.end} << 32 | claims.next; }

}  // namespace

ClaimWord::ClaimWord(ScopedFd fd, SharedMapping mapping)
    : fd_(std::move(fd)), mapping_(std::move(mapping)) {}

Result<ClaimWord> ClaimWord::Create() {
  Result<ScopedFd> fd = CreateSharedMemory("rayx-claims", kMemoryBytes);
  if (!fd.ok()) return fd.status();
  Result<SharedMapping> mapping = SharedMapping::Map(fd->get(), kMemoryBytes, true);
  if (!mapping.ok()) return mapping.status();
  return ClaimWord(std::move(*fd), std::move(*mapping));
}

Result<ClaimWord> ClaimWord::Map(int fd) {
  Result<SharedMapping> mapping = SharedMapping::Map(fd, kMemoryBytes, true);
  if (!mapping.ok()) return mapping.status();
  return ClaimWord(ScopedFd(), std::move(*mapping));
}

std::atomic<uint64_t>& ClaimWord::word_at(size_t offset_bytes) const {
  return *std::launder(reinterpret_cast<std::atomic<uint64_t>*>(mapping_.data() + offset_bytes));
}

void ClaimWord::HandOut(uint32_t sequence) {
  RAYX_CHECK(sequence == handed_out_);
  handed_out_ = sequence + 1;
  uint64_t seen = word().load(std::memory_order_relaxed);
  while (!word().compare_exchange_weak(seen, Pack({Unpack(seen).next, handed_out_}),
                                       std::memory_order_release, std::memory_order_relaxed)) {
  }
}

uint32_t ClaimWord::TakeBack() {
  // The end is our own number, not the word's, which the worker can write.
  const uint64_t seen =
      word().exchange(Pack({handed_out_, handed_out_}), std::memory_order_acq_rel);
  return std::min(Unpack(seen).next, handed_out_);
}

bool ClaimWord::Begin(uint32_t sequence) {
  uint64_t seen = word().load(std::memory_order_acquire);
  while (true) {
    const Claims claims = Unpack(seen);
    if (claims.next != sequence || sequence >= claims.end) return false;
    if (word().compare_exchange_weak(seen, Pack({sequence + 1, claims.end}),
                                     std::memory_order_acq_rel, std::memory_order_acquire)) {
      return true;
    }
  }
}

uint32_t ClaimWord::next() const { return Unpack(word().load(std::memory_order_acquire)).next; }

// One word, so that the worker never sees the reason of one with the number of another.

void ClaimWord::Interrupt(uint32_t sequence, uint8_t reason) {
  RAYX_CHECK(reason != 0);
  interrupt_word().store(uint64_t{reason} << 32 | sequence, std::memory_order_release);
}

ClaimWord::Interrupted ClaimWord::interrupt() const {
  const uint64_t seen = interrupt_word().load(std::memory_order_acquire);
  return {static_cast<uint32_t>(seen), static_cast<uint8_t>(seen >> 32)};
}

}  // namespace rayx
