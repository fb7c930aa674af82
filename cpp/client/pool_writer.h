// The node's shared memory, as this process writes it.
//
// Large values are copied by several threads, past the caches: one cannot fill the memory's
// bandwidth. Pages that this process has not written before are mapped in one go: each fault alone
// costs more than the copy of its page (in a virtual machine 1.5 GB/s for memory that nobody has
// touched, 2.8 for pages others have touched; 3.1 and 7 when they are mapped ahead by two threads).
//
// Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "common/base/status.h"
#include "common/io/shared_memory.h"

namespace rayx {

class PoolWriter {
 public:
  // Nothing can be written: At answers null.
  PoolWriter() = default;
  // REQUIRES: the mapping is writable.
  explicit PoolWriter(SharedMapping pool);

  bool valid() const { return pool_.valid(); }
  // Null if the range leaves the pool.
  uint8_t* At(uint64_t offset, uint64_t size_bytes) const;
  // Copies to what At has returned; large parts as above.
  void Copy(std::span<const uint8_t> from, uint8_t* to) const;

  // From so many bytes on a copy is shared among threads: below, starting them costs more.
  static constexpr uint64_t kSharedBytesMin = 8u << 20;
  static constexpr size_t kThreadsMax = 4;

 private:
  // Mapped ahead, or known to be mapped, block by block.
  static constexpr uint64_t kBlockBytes = 64u << 10;
  // Below this the faults are too few to matter.
  static constexpr uint64_t kMappedAheadMin = 256u << 10;

  // Maps the pages of the range that are not yet.
  void MapAhead(const uint8_t* begin, uint64_t size_bytes) const;
  void CopyPart(std::span<const uint8_t> from, uint8_t* to) const;
  bool IsMapped(uint64_t block) const;
  void SetMapped(uint64_t block) const;

  SharedMapping pool_;
  // A bit for each block.
  std::unique_ptr<std::atomic<uint64_t>[]> mapped_;
};

}  // namespace rayx
