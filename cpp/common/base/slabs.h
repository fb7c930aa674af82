// Memory in small blocks that goes back to the operating system when a burst is over.
//
// The heap of the C library keeps what a burst has left: it gives back the end of the heap alone,
// and malloc_trim, which gives back the rest, walks over each free piece, for a second after a
// million tasks. Here blocks of one size lie together in slabs, and a slab without blocks gives its
// pages back at once, beyond a few MB that are kept for the next burst. So memory follows what is
// in use, nobody has to find a quiet moment, and what it costs belongs to the free that causes it.
//
//   region, 1 MiB, aligned to its size: [header of a page | slab | slab | … 16 of 64 KiB]
//                                    or [header of a page | one slab], for blocks over 4 KiB
//
//            first block                last block is freed
//   cold ───────────────▶ in use ◄─────────────────────────────▶ warm (pages kept)
//     ▲                      │  first block                        up to `warm_bytes_max`
//     └──────────────────────┘ last block is freed, enough are warm
//
// Address space stays reserved as long as the slabs live.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace rayx {

// Not synchronized.
class Slabs {
 public:
  static constexpr size_t kRegionBytes = size_t{1} << 20;
  static constexpr size_t kSlabBytes = size_t{64} << 10;
  static constexpr size_t kBlockBytesMax = size_t{128} << 10;
  // Larger blocks have a region for a slab.
  static constexpr size_t kSmallBytesMax = size_t{4} << 10;

  // At most about `warm_bytes_max` of pages are kept that nothing uses.
  explicit Slabs(size_t warm_bytes_max) : warm_bytes_max_(warm_bytes_max) {}
  // REQUIRES: every block has been freed, or is not used any more.
  ~Slabs();
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;

  // Aligned to 16 bytes. Null if the system has no memory. REQUIRES: bytes <= kBlockBytesMax.
  void* Allocate(size_t bytes);
  // REQUIRES: `block` came from Allocate.
  void Free(void* block);

  struct Stats {
    size_t blocks = 0;
    size_t regions = 0;
    // Bytes of slabs that have blocks, and of those that have none but their pages.
    size_t used_bytes = 0;
    size_t warm_bytes = 0;
  };
  const Stats& stats() const { return stats_; }

 private:
  // Steps of 16 bytes up to 1 KiB, then of an eighth.
  static constexpr size_t kFineClasses = 64;
  static constexpr size_t kClasses = kFineClasses + 7 * 8;
  static constexpr size_t kSlabsPerRegion = kRegionBytes / kSlabBytes;
  static constexpr size_t kHeaderBytes = 4096;

  struct Block {
    Block* next;
  };
  // Lies in the header of its region.
  struct Slab {
    Block* freed = nullptr;  // blocks that were freed
    uint32_t used = 0;
    uint32_t made = 0;  // blocks that were handed out at least once; those behind are untouched
    uint32_t capacity = 0;
    uint32_t size_class = 0;
    // In the list of those with room of its class, or of those without blocks.
    Slab* next = nullptr;
    Slab* previous = nullptr;
  };
  struct Region {
    Region* next = nullptr;  // of all
    bool is_one_slab = false;
    std::array<Slab, kSlabsPerRegion> slabs;
  };
  static_assert(sizeof(Region) <= kHeaderBytes);
  // Slabs without blocks, of small blocks or of large ones.
  struct Empty {
    Slab* warm = nullptr;
    Slab* cold = nullptr;
  };

  static size_t ClassOf(size_t bytes);
  static constexpr size_t BytesOf(size_t size_class);
  static Region* RegionOf(const void* address);
  static std::byte* BytesOf(Slab* slab);
  static size_t SizeOf(const Slab* slab);

  Slab* TakeEmpty(size_t size_class);
  bool AddRegion(bool is_one_slab);
  void OnEmpty(Slab* slab);
  void Link(Slab* slab);
  void Unlink(Slab* slab);

  const size_t warm_bytes_max_;
  Region* regions_ = nullptr;
  std::array<Slab*, kClasses> with_room_{};
  std::array<Empty, 2> empty_{};  // of small blocks, of large ones
  Stats stats_;
};

// The slabs of all of a library's threads, where it may not replace the heap of its process. Blocks
// may outlive everything else, so these are never destroyed; a forked child may go on using them.
// What is larger than Slabs::kBlockBytesMax is of the heap. Throws std::bad_alloc.
std::byte* AllocateShared(size_t bytes);
void FreeShared(std::byte* memory, size_t bytes);
Slabs::Stats SharedStats();

// For a container that `slabs` must outlive, and that has the same lock.
template <typename T>
class SlabAllocator {
 public:
  using value_type = T;

  explicit SlabAllocator(Slabs* slabs) : slabs_(slabs) {}
  template <typename Other>
  SlabAllocator(const SlabAllocator<Other>& other) : slabs_(other.slabs()) {}  // NOLINT: converts

  T* allocate(size_t count) {
    const size_t bytes = count * sizeof(T);
    static_assert(alignof(T) <= 16);
    // A table's buckets.
    if (bytes > Slabs::kBlockBytesMax) return std::allocator<T>().allocate(count);
    if (void* const block = slabs_->Allocate(bytes)) return static_cast<T*>(block);
    throw std::bad_alloc();
  }
  void deallocate(T* memory, size_t count) {
    if (count * sizeof(T) > Slabs::kBlockBytesMax) {
      return std::allocator<T>().deallocate(memory, count);
    }
    slabs_->Free(memory);
  }
  Slabs* slabs() const { return slabs_; }
  friend bool operator==(SlabAllocator a, SlabAllocator b) { return a.slabs_ == b.slabs_; }

 private:
  Slabs* slabs_;
};

// The same of the shared slabs, for what any thread may free.
template <typename T>
class SharedSlabAllocator {
 public:
  using value_type = T;

  SharedSlabAllocator() = default;
  template <typename Other>
  SharedSlabAllocator(const SharedSlabAllocator<Other>&) {}  // NOLINT: containers convert it

  T* allocate(size_t count) {
    static_assert(alignof(T) <= 16);
    return reinterpret_cast<T*>(AllocateShared(count * sizeof(T)));
  }
  void deallocate(T* memory, size_t count) {
    FreeShared(reinterpret_cast<std::byte*>(memory), count * sizeof(T));
  }
  friend bool operator==(SharedSlabAllocator, SharedSlabAllocator) { return true; }
};

}  // namespace rayx
