#include "plasma/arena.h"

#include <algorithm>
#include <iterator>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace rayx::plasma {

Arena::Arena(uint64_t size_bytes) : size_bytes_(size_bytes) {
  RAYX_CHECK(size_bytes % limits::kObjectAlignment == 0);
}

std::optional<Arena::Allocation> Arena::Allocate(uint64_t size_bytes) {
  RAYX_CHECK(size_bytes > 0);
  // Compared before rounding up, which would wrap near 2^64.
  if (size_bytes > size_bytes_) return std::nullopt;
  constexpr uint64_t kMask = limits::kObjectAlignment - 1;
  const uint64_t rounded = (size_bytes + kMask) & ~kMask;
  const auto fit = free_by_size_.lower_bound({rounded, 0});
  std::optional<Allocation> taken =
      fit != free_by_size_.end() ? TakeTouched(fit, rounded) : TakeUntouched(rounded);
  if (!taken) return std::nullopt;
  used_bytes_ += rounded;
  ++allocations_;
  return taken;
}

Arena::Allocation Arena::TakeTouched(FreeBySize::iterator fit, uint64_t size_bytes) {
  const auto range = ranges_.find(fit->second);
  if (range->second.size_bytes == size_bytes) {
    free_by_size_.erase(fit);
    range->second.is_free = false;
    return {range->first, size_bytes, size_bytes};
  }
  // The end is taken, so that what remains keeps its key, and its node in both indexes.
  range->second.size_bytes -= size_bytes;
  auto node = free_by_size_.extract(fit);
  node.value().first = range->second.size_bytes;
  free_by_size_.insert(std::move(node));
  const uint64_t offset = range->first + range->second.size_bytes;
  ranges_.emplace_hint(std::next(range), offset, Range{size_bytes, false});
  return {offset, size_bytes, size_bytes};
}

std::optional<Arena::Allocation> Arena::TakeUntouched(uint64_t size_bytes) {
  // A free range that ends where the untouched memory begins is part of the same hole.
  const auto last = LastFreeRange();
  const uint64_t offset = last == ranges_.end() ? touched_end_ : last->first;
  if (size_bytes > size_bytes_ - offset) return std::nullopt;
  const uint64_t touched_bytes = touched_end_ - offset;
  if (last != ranges_.end()) {
    free_by_size_.erase({last->second.size_bytes, offset});
    ranges_.erase(last);
  }
  ranges_.emplace_hint(ranges_.end(), offset, Range{size_bytes, false});
  touched_end_ = offset + size_bytes;
  return Allocation{offset, size_bytes, touched_bytes};
}

void Arena::Free(uint64_t offset) {
  auto range = ranges_.find(offset);
  RAYX_CHECK(range != ranges_.end() && !range->second.is_free);
  used_bytes_ -= range->second.size_bytes;
  --allocations_;
  const auto next = std::next(range);
  if (next != ranges_.end() && next->second.is_free) {
    free_by_size_.erase({next->second.size_bytes, next->first});
    range->second.size_bytes += next->second.size_bytes;
    ranges_.erase(next);
  }
  if (range != ranges_.begin()) {
    const auto previous = std::prev(range);
    if (previous->second.is_free) {
      free_by_size_.erase({previous->second.size_bytes, previous->first});
      previous->second.size_bytes += range->second.size_bytes;
      ranges_.erase(range);
      range = previous;
    }
  }
  range->second.is_free = true;
  free_by_size_.insert({range->second.size_bytes, range->first});
}

Arena::RangesByOffset::const_iterator Arena::LastFreeRange() const {
  if (ranges_.empty()) return ranges_.end();
  const auto last = std::prev(ranges_.end());
  return last->second.is_free ? last : ranges_.end();
}

Arena::Stats Arena::GetStats() const {
  const auto last = LastFreeRange();
  const uint64_t hole_at_end = size_bytes_ - (last == ranges_.end() ? touched_end_ : last->first);
  const uint64_t largest_touched = free_by_size_.empty() ? 0 : free_by_size_.rbegin()->first;
  Stats stats;
  stats.size_bytes = size_bytes_;
  stats.used_bytes = used_bytes_;
  stats.free_bytes = size_bytes_ - used_bytes_;
  stats.largest_free_bytes = std::max(hole_at_end, largest_touched);
  stats.touched_bytes = touched_end_;
  stats.allocations = allocations_;
  return stats;
}

void Arena::SanityCheck() const {
  uint64_t position = 0;
  uint64_t used_bytes = 0;
  uint64_t allocations = 0;
  size_t free_ranges = 0;
  bool previous_is_free = false;
  for (const auto& [offset, range] : ranges_) {
    RAYX_CHECK(offset == position);
    RAYX_CHECK(range.size_bytes > 0 && range.size_bytes % limits::kObjectAlignment == 0);
    if (range.is_free) {
      RAYX_CHECK(!previous_is_free);
      RAYX_CHECK(free_by_size_.count({range.size_bytes, offset}) == 1);
      ++free_ranges;
    } else {
      used_bytes += range.size_bytes;
      ++allocations;
    }
    previous_is_free = range.is_free;
    position += range.size_bytes;
  }
  RAYX_CHECK(position == touched_end_ && touched_end_ <= size_bytes_);
  RAYX_CHECK(free_ranges == free_by_size_.size());
  RAYX_CHECK(used_bytes == used_bytes_);
  RAYX_CHECK(allocations == allocations_);
}

}  // namespace rayx::plasma
