#include "client/pool_writer.h"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "client/copy_thread.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rayx {
namespace {

#ifndef MADV_POPULATE_WRITE
constexpr int MADV_POPULATE_WRITE = 23;  // Linux 5.14; older kernels refuse it, and we fault
#endif

constexpr uint64_t kPageBytes = 4096;

// From here on the value is not read again before it has left the caches.
constexpr size_t kUncachedBytesMin = 4u << 20;

// memcpy with stores that do not read the target first.
void CopyUncached(const uint8_t* from, uint8_t* to, size_t bytes) {
#if defined(__SSE2__)
  constexpr size_t kStep = 64;
  const size_t head = (kStep - (reinterpret_cast<uintptr_t>(to) & (kStep - 1))) & (kStep - 1);
  if (bytes >= kUncachedBytesMin) {
    std::memcpy(to, from, head);
    from += head, to += head, bytes -= head;
    for (; bytes >= kStep; from += kStep, to += kStep, bytes -= kStep) {
      const auto* source = reinterpret_cast<const __m128i*>(from);
      auto* target = reinterpret_cast<__m128i*>(to);
      const __m128i a = _mm_loadu_si128(source), b = _mm_loadu_si128(source + 1);
      const __m128i c = _mm_loadu_si128(source + 2), d = _mm_loadu_si128(source + 3);
      _mm_stream_si128(target, a), _mm_stream_si128(target + 1, b);
      _mm_stream_si128(target + 2, c), _mm_stream_si128(target + 3, d);
    }
    _mm_sfence();
  }
#endif
  std::memcpy(to, from, bytes);
}

size_t AllowedCpus() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<size_t>(CPU_COUNT(&set));
}

}  // namespace

PoolWriter::PoolWriter(SharedMapping pool) : pool_(std::move(pool)) {
  const uint64_t blocks = pool_.size() / kBlockBytes + 1;
  mapped_ = std::make_unique<std::atomic<uint64_t>[]>(blocks / 64 + 1);
}

uint8_t* PoolWriter::At(uint64_t offset, uint64_t size_bytes) const {
  if (offset > pool_.size() || size_bytes > pool_.size() - offset) return nullptr;
  return pool_.data() + offset;
}

bool PoolWriter::IsMapped(uint64_t block) const {
  return (mapped_[block / 64].load(std::memory_order_relaxed) >> (block % 64) & 1) != 0;
}

void PoolWriter::SetMapped(uint64_t block) const {
  mapped_[block / 64].fetch_or(uint64_t{1} << (block % 64), std::memory_order_relaxed);
}

void PoolWriter::MapAhead(const uint8_t* begin, uint64_t size_bytes) const {
  const auto first_byte = static_cast<uint64_t>(begin - pool_.data());
  const uint64_t end = (first_byte + size_bytes - 1) / kBlockBytes + 1;
  for (uint64_t block = first_byte / kBlockBytes; block < end;) {
    if (IsMapped(block)) {
      ++block;
      continue;
    }
    const uint64_t run = block;
    while (block < end && !IsMapped(block)) ++block;
    const uint64_t offset = run * kBlockBytes;
    const uint64_t bytes = std::min(block * kBlockBytes, pool_.size()) - offset;
    // No more than a hint: whatever it does not do, the copy does.
    (void)::madvise(pool_.data() + offset, (bytes + kPageBytes - 1) & ~(kPageBytes - 1),
                    MADV_POPULATE_WRITE);
    for (uint64_t done = run; done < block; ++done) SetMapped(done);
  }
}

void PoolWriter::CopyPart(std::span<const uint8_t> from, uint8_t* to) const {
  if (from.empty()) return;
  if (from.size() >= kMappedAheadMin) MapAhead(to, from.size());
  CopyUncached(from.data(), to, from.size());
}

void PoolWriter::Copy(std::span<const uint8_t> from, uint8_t* to) const {
  const size_t threads = from.size() < kSharedBytesMin ? 1 : std::min(AllowedCpus(), kThreadsMax);
  if (threads <= 1) return CopyPart(from, to);
  const size_t share = (from.size() / threads + kBlockBytes - 1) & ~(kBlockBytes - 1);
  size_t rest = share;  // the first share is ours
  CopyThreads helpers;
  for (; rest < from.size(); rest += share) {
    const auto part = from.subspan(rest, std::min(share, from.size() - rest));
    if (!helpers.Start([this, part, target = to + rest] { CopyPart(part, target); })) break;
  }
  CopyPart(from.first(std::min(share, from.size())), to);
  // What no thread was to be had for.
  if (rest < from.size()) CopyPart(from.subspan(rest), to + rest);
}

}  // namespace rayx
