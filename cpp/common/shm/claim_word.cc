#include "common/shm/claim_word.h"

#include <algorithm>
#include <new>
#include <utility>

#include "common/base/check.h"

namespace rayx {
namespace {

struct Claims {
  uint32_t next;
  uint32_t end;
  bool lent = false;
};

constexpr uint64_t kLentBit = uint64_t{1} << 63;

Claims UnpackClaims(uint64_t word) {
  return {static_cast<uint32_t>(word), static_cast<uint32_t>((word & ~kLentBit) >> 32),
          (word & kLentBit) != 0};
}

uint64_t PackClaims(Claims claims) {
  return (claims.lent ? kLentBit : 0) | uint64_t{claims.end} << 32 | claims.next;
}

}  // namespace

ClaimWord::ClaimWord(ScopedFd fd, SharedMapping mapping)
    : fd_(std::move(fd)), mapping_(std::move(mapping)) {}

Result<ClaimWord> ClaimWord::Create() {
  Result<ScopedFd> fd = CreateSharedMemory("rayx-claims", sizeof(WorkerPage));
  if (!fd.ok()) return fd.status();
  Result<SharedMapping> mapping = SharedMapping::Map(fd->get(), sizeof(WorkerPage), true);
  if (!mapping.ok()) return mapping.status();
  return ClaimWord(std::move(*fd), std::move(*mapping));
}

Result<ClaimWord> ClaimWord::Map(int fd) {
  Result<SharedMapping> mapping = SharedMapping::Map(fd, sizeof(WorkerPage), true);
  if (!mapping.ok()) return mapping.status();
  return ClaimWord(ScopedFd(), std::move(*mapping));
}

WorkerPage& ClaimWord::page() const {
  return *std::launder(reinterpret_cast<WorkerPage*>(mapping_.data()));
}

DoorbellWord ClaimWord::doorbell() const { return DoorbellWord(page().doorbell); }

// Relaxed: the two allow something, and tell nothing of other memory.

void ClaimWord::AllowSpinning(bool allowed) {
  page().may_spin.store(allowed ? 1 : 0, std::memory_order_relaxed);
}

bool ClaimWord::may_spin() const { return page().may_spin.load(std::memory_order_relaxed) != 0; }

void ClaimWord::NoteExitWork() { page().has_exit_work.store(1, std::memory_order_release); }

bool ClaimWord::has_exit_work() const {
  return page().has_exit_work.load(std::memory_order_acquire) != 0;
}

// `change` gets what the word says and returns what it shall say, or nothing to leave it; the last
// answer is returned.
template <typename Change>
auto ClaimWord::Update(Change change) {
  std::atomic<uint64_t>& word = page().claims;
  uint64_t seen = word.load(std::memory_order_acquire);
  while (true) {
    const std::optional<Claims> next = change(UnpackClaims(seen));
    if (!next || word.compare_exchange_weak(seen, PackClaims(*next), std::memory_order_acq_rel,
                                            std::memory_order_acquire)) {
      return next;
    }
  }
}

// --- the node ---

void ClaimWord::HandOut(uint32_t sequence) {
  RAYX_CHECK(sequence == handed_out_ && sequence < kSequenceEnd - 1);
  handed_out_ = sequence + 1;
  (void)Update([this](Claims seen) { return std::optional<Claims>({seen.next, handed_out_}); });
}

uint32_t ClaimWord::TakeBack() {
  uint32_t next = 0;
  (void)Update([&](Claims seen) {
    // Unless it is lent, the end is our own number, not the word's, which the worker can write.
    const uint32_t end = lent_ ? std::max(seen.end, handed_out_) : handed_out_;
    next = std::min(seen.next, end);
    return std::optional<Claims>({end, end});
  });
  lent_ = false;
  return next;
}

void ClaimWord::Lend() {
  lent_ = true;
  (void)Update([this](Claims seen) {
    return std::optional<Claims>({seen.next, handed_out_, true});
  });
}

void ClaimWord::OnHandedOut(uint32_t sequence) {
  RAYX_CHECK(sequence == handed_out_ && sequence < kSequenceEnd - 1);
  handed_out_ = sequence + 1;
}

bool ClaimWord::Reclaim() {
  const auto closed = Update([this](Claims seen) -> std::optional<Claims> {
    if (seen.end != handed_out_) return std::nullopt;
    return Claims{seen.next, seen.end, false};
  });
  if (closed) lent_ = false;
  return closed.has_value();
}

// --- who it is lent to ---

std::optional<uint32_t> ClaimWord::Take() {
  const auto taken = Update([](Claims seen) -> std::optional<Claims> {
    if (!seen.lent || seen.next != seen.end || seen.end >= kSequenceEnd - 1) return std::nullopt;
    return Claims{seen.next, seen.end + 1, true};
  });
  return taken ? std::optional<uint32_t>(taken->end - 1) : std::nullopt;
}

// --- the worker ---

ClaimWord::Claim ClaimWord::Begin(uint32_t sequence) {
  Claim claim = Claim::kOurs;
  (void)Update([&](Claims seen) -> std::optional<Claims> {
    claim = sequence < seen.next                           ? Claim::kTakenBack
            : sequence > seen.next || sequence >= seen.end ? Claim::kNotYet
                                                           : Claim::kOurs;
    if (claim != Claim::kOurs) return std::nullopt;
    return Claims{sequence + 1, seen.end, seen.lent};
  });
  return claim;
}

uint32_t ClaimWord::next() const {
  return UnpackClaims(page().claims.load(std::memory_order_acquire)).next;
}

// One word, so that the worker never sees the reason of one with the number of another.

void ClaimWord::Interrupt(uint32_t sequence, uint8_t reason) {
  RAYX_CHECK(reason != 0);
  page().interrupt.store(uint64_t{reason} << 32 | sequence, std::memory_order_release);
}

ClaimWord::Interrupted ClaimWord::interrupt() const {
  const uint64_t seen = page().interrupt.load(std::memory_order_acquire);
  return {static_cast<uint32_t>(seen), static_cast<uint8_t>(seen >> 32)};
}

}  // namespace rayx
