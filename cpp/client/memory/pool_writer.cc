#include "client/memory/pool_writer.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "client/memory/copy_thread.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rayx {
namespace {

#ifndef MADV_POPULATE_WRITE
constexpr int MADV_POPULATE_WRITE = 23;  // Linux 5.14; older kernels refuse it, and we fault
#endif

constexpr uint64_t kPageBytes = 4096;

// A value of this size or more has left the caches before it is read again.
constexpr size_t kUncachedBytesMin = 4u << 20;
// The memory of a value of this size or more has left the caches before it is used again, unless
// that is soon. (1 MiB took memcpy 45 to 70 us into one of the last four extents, and 150 into one
// of many; past the caches it took 75 to 140 into any. What memcpy has left in the caches is there
// for its reader.)
constexpr size_t kColdBytesMin = 1u << 20;

// memcpy with stores that do not read the target first.
void CopyPastCaches(const uint8_t* from, uint8_t* to, size_t bytes) {
#if defined(__SSE2__)
  constexpr size_t kStep = 64;
  const size_t head = (kStep - (reinterpret_cast<uintptr_t>(to) & (kStep - 1))) & (kStep - 1);
  if (bytes >= head + kStep) {
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

PoolWriter::PoolWriter(SharedMapping pool, ScopedFd file)
    : pool_(std::move(pool)),
      shared_(std::make_unique<Shared>(pool_.size() / kBlockBytes + 1, std::move(file))) {}

void PoolWriter::CloseFile() const {
  if (shared_ == nullptr) return;
  const std::lock_guard lock(shared_->file_mutex);
  shared_->file.Close();
}

uint8_t* PoolWriter::At(uint64_t offset, uint64_t size_bytes) const {
  if (offset > pool_.size() || size_bytes > pool_.size() - offset) return nullptr;
  return pool_.data() + offset;
}

bool PoolWriter::IsMapped(uint64_t block) const {
  return (shared_->mapped[block / 64].load(std::memory_order_relaxed) >> (block % 64) & 1) != 0;
}

void PoolWriter::SetMapped(uint64_t block) const {
  shared_->mapped[block / 64].fetch_or(uint64_t{1} << (block % 64), std::memory_order_relaxed);
}

void PoolWriter::MapAhead(const uint8_t* begin, uint64_t size_bytes) const {
  const uint64_t first_byte = OffsetOf(begin);
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

bool PoolWriter::IsUntouched(uint64_t offset, uint64_t size_bytes) const {
  // The first and the last page may be shared with neighbours.
  const uint64_t inner = (offset + kPageBytes - 1) & ~(kPageBytes - 1);
  const off_t data = ::lseek(shared_->file.get(), static_cast<off_t>(inner), SEEK_DATA);
  if (data < 0) return errno == ENXIO;  // none from there to the end
  return static_cast<uint64_t>(data) >= offset + size_bytes;
}

size_t PoolWriter::WriteUntouched(std::span<const uint8_t> from, uint64_t offset) const {
  const std::unique_lock lock(shared_->file_mutex, std::try_to_lock);
  if (!lock.owns_lock() || !shared_->file.IsOpen() || !IsUntouched(offset, from.size())) return 0;
  size_t written = 0;
  while (written < from.size()) {
    const ssize_t more = ::pwrite(shared_->file.get(), from.data() + written, from.size() - written,
                                  static_cast<off_t>(offset + written));
    if (more <= 0) break;  // whatever it does not do, the copy does
    written += static_cast<size_t>(more);
  }
  return written;
}

bool PoolWriter::IsWarm(const uint8_t* to) const {
  const uint64_t extent = OffsetOf(to) / kBlockBytes + 1;
  for (const std::atomic<uint64_t>& warm : shared_->warm_extents) {
    if (warm.load(std::memory_order_relaxed) == extent) return true;
  }
  const uint32_t next = shared_->next_warm_extent.fetch_add(1, std::memory_order_relaxed);
  shared_->warm_extents[next % kWarmExtents].store(extent, std::memory_order_relaxed);
  return false;
}

void PoolWriter::CopyPiece(std::span<const uint8_t> from, uint8_t* to, bool past_caches) const {
  if (from.size() >= kMappedAheadMin) {
    const uint64_t offset = OffsetOf(to);
    if (!IsMapped((offset + from.size() / 2) / kBlockBytes)) {
      const size_t written = WriteUntouched(from, offset);
      from = from.subspan(written);
      to += written;
      if (from.empty()) return;
    }
    MapAhead(to, from.size());
  }
  past_caches ? CopyPastCaches(from.data(), to, from.size())
              : static_cast<void>(std::memcpy(to, from.data(), from.size()));
}

void PoolWriter::Copy(std::span<const uint8_t> from, uint8_t* to) const {
  if (from.empty()) return;
  const size_t threads = from.size() < kSharedBytesMin ? 1 : std::min(AllowedCpus(), kThreadsMax);
  if (threads <= 1) {
    const bool past_caches =
        from.size() >= kUncachedBytesMin || (from.size() >= kColdBytesMin && !IsWarm(to));
    return CopyPiece(from, to, past_caches);
  }
  const uint64_t first = OffsetOf(to) / kPieceBytes * kPieceBytes;
  const uint64_t end = OffsetOf(to) + from.size();
  std::atomic<uint64_t> next = first;
  const auto copy_pieces = [&] {
    for (uint64_t at; (at = next.fetch_add(kPieceBytes, std::memory_order_relaxed)) < end;) {
      const uint64_t begin = std::max(at, OffsetOf(to));
      const uint64_t size = std::min(at + kPieceBytes, end) - begin;
      CopyPiece(from.subspan(begin - OffsetOf(to), size), pool_.data() + begin, true);
    }
  };
  CopyThreads helpers;
  for (size_t i = 1; i < threads && helpers.Start(copy_pieces); ++i) {
  }
  copy_pieces();
}

}  // namespace rayx
