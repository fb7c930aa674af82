// Hands out ranges of one segment of memory that somebody else maps.
//
// The arena knows offsets only: its books lie on the heap, outside the shared mapping, so that no
// client can damage them. Ranges are aligned to limits::kObjectAlignment and rounded up to it.
//
// Placement: best fit (the smallest free range that is large enough, the lowest among equals) among
// memory that was handed out before; only then memory that never was. A page once touched stays
// mapped and warm, and copying into it is several times as fast as into a page that the kernel has
// to provide first. Freed ranges merge with their free neighbours at once.
//
//   0                                    touched_end()           size_bytes()
//   | used | free | used |  used  | free |   never handed out    |
//
// Allocate and Free take O(log n) for n ranges. Best fit with immediate coalescing over two ordered
// indexes: Knuth, The Art of Computer Programming, volume 1, section 2.5.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace rayx::plasma {

class Arena {
 public:
  struct Allocation {
    uint64_t offset = 0;
    // Rounded up to the alignment.
    uint64_t size_bytes = 0;
    // So many bytes from `offset` on were handed out before: their pages are warm. The others never
    // were.
    uint64_t touched_bytes = 0;
  };

  struct Stats {
    uint64_t size_bytes = 0;
    uint64_t used_bytes = 0;
    uint64_t free_bytes = 0;
    // The largest request that can be met now.
    uint64_t largest_free_bytes = 0;
    // Memory below this offset was handed out at least once.
    uint64_t touched_bytes = 0;
    uint64_t allocations = 0;
  };

  // REQUIRES: size_bytes is a multiple of limits::kObjectAlignment.
  explicit Arena(uint64_t size_bytes);

  // Nothing if no free range is large enough; any size is safe to ask for. REQUIRES: size_bytes >
  // 0.
  std::optional<Allocation> Allocate(uint64_t size_bytes);
  // REQUIRES: `offset` was returned by Allocate and not freed since.
  void Free(uint64_t offset);

  uint64_t size_bytes() const { return size_bytes_; }
  uint64_t used_bytes() const { return used_bytes_; }
  uint64_t touched_end() const { return touched_end_; }
  Stats GetStats() const;

  // CHECKs that the ranges tile the touched memory, that no two free neighbours are left unmerged
  // and that both indexes and the sums agree. O(n log n).
  void SanityCheck() const;

 private:
  struct Range {
    uint64_t size_bytes = 0;
    bool is_free = false;
  };
  using RangesByOffset = std::map<uint64_t, Range>;
  using FreeBySize = std::set<std::pair<uint64_t, uint64_t>>;

  Allocation TakeTouched(FreeBySize::iterator fit, uint64_t size_bytes);
  std::optional<Allocation> TakeUntouched(uint64_t size_bytes);
  // The free range that ends at touched_end_, or end().
  RangesByOffset::const_iterator LastFreeRange() const;

  const uint64_t size_bytes_;
  uint64_t used_bytes_ = 0;
  uint64_t allocations_ = 0;
  uint64_t touched_end_ = 0;
  // Every range below touched_end_, used or free.
  RangesByOffset ranges_;
  // (size, offset) of the free ones.
  FreeBySize free_by_size_;
};

}  // namespace rayx::plasma
