// The node's shared memory, as this process writes it.
//
// A large value is copied piece by piece, by several threads, past the caches: one thread cannot
// fill the memory's bandwidth. How fast a piece is copied depends on its pages; a virtual machine
// gave, in GB/s:
//
//                              never touched       touched elsewhere     touched by us
//   a fault for each page             1.5                    2.8                  -
//   mapped ahead, two threads         3.1                    7                    -
//   pwrite, one thread                2.5                    -                    -
//   past the caches, two threads       -                     -                10 to 21
//
// The kernel clears a page before it maps it, but not before pwrite fills it; yet it lets one
// thread at a time write to a file. So in an extent that was never touched, one thread writes
// pieces into the file while the others write theirs through the mapping. The descriptor that this
// takes allows nothing that the mapping does not.
//
// Values of some MiB go past the caches too where their memory is not in them: memcpy reads what it
// is about to write over.
//
// Any thread may call it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "client/memory/pool_file.h"
#include "common/base/status.h"
#include "common/os/scoped_fd.h"
#include "common/shm/shared_memory.h"

namespace rayx {

class PoolWriter {
 public:
  // A writer without a pool: At answers null.
  PoolWriter() = default;
  // REQUIRES: the mapping is writable, and of the whole `file`.
  PoolWriter(SharedMapping pool, ScopedFd file);

  bool valid() const { return pool_.valid(); }
  // Null if the range leaves the pool.
  uint8_t* At(uint64_t offset, uint64_t size_bytes) const;
  // Closes the descriptor; what is written from now on goes through the mapping. Waits for a piece
  // that is being written.
  void CloseFile() const;
  // Copies to what At has returned; large parts as above.
  void Copy(std::span<const uint8_t> from, uint8_t* to) const;

  // From this size on, threads share a copy; below it, starting them costs more than they save.
  static constexpr uint64_t kSharedBytesMin = 8u << 20;
  static constexpr size_t kThreadsMax = 4;

 private:
  // Pages are mapped ahead, and known to be mapped, by blocks of this size.
  static constexpr uint64_t kBlockBytes = 64u << 10;
  // Below this size the faults are too few to matter.
  static constexpr uint64_t kMappedAheadMin = 256u << 10;

  // What one thread copies at a time: borders are multiples of that, so that no two share a block.
  static constexpr uint64_t kPieceBytes = 1u << 20;
  static_assert(kPieceBytes % kBlockBytes == 0);
  // How many of the extents written last are still in the caches.
  static constexpr size_t kWarmExtents = 4;

  // What threads share. All but the file are hints, so relaxed orders suffice: an old one costs
  // time and no more.
  struct Shared {
    Shared(uint64_t blocks, ScopedFd pool) : file(std::move(pool)), mapped(blocks / 64 + 1) {}
    // Held while a thread writes to the file.
    std::mutex file_mutex;
    PoolFile file;
    // A bit for each block.
    std::vector<std::atomic<uint64_t>> mapped;
    // The first blocks of these extents, counted from 1.
    std::array<std::atomic<uint64_t>, kWarmExtents> warm_extents{};
    std::atomic<uint32_t> next_warm_extent = 0;
  };

  uint64_t OffsetOf(const uint8_t* byte) const {
    return static_cast<uint64_t>(byte - pool_.data());
  }
  void CopyPiece(std::span<const uint8_t> from, uint8_t* to, bool past_caches) const;
  // Whether the extent is one of those written last, as it is while one value after the other is
  // stored, used and dropped. Notes this one.
  bool IsWarm(const uint8_t* to) const;

  // Maps the pages of the range that are not yet.
  void MapAhead(const uint8_t* begin, uint64_t size_bytes) const;
  bool IsMapped(uint64_t block) const;
  void SetMapped(uint64_t block) const;
  // Writes to the file if no page of the range is there, and no other thread writes. Returns how
  // many bytes it has written.
  size_t WriteUntouched(std::span<const uint8_t> from, uint64_t offset) const;
  // REQUIRES: file_mutex is held, and the file is open.
  bool IsUntouched(uint64_t offset, uint64_t size_bytes) const;

  SharedMapping pool_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace rayx
