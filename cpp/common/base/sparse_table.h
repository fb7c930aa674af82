// Hash tables that a burst has left nearly empty.
//
// The standard's tables never give back their buckets, eight bytes for each entry that there ever
// was at a time.
#pragma once

#include <algorithm>
#include <cstddef>

namespace rayx {

// Gives back most buckets of a table that has become far emptier than it was; to be called where
// entries are erased. What it moves is little beside what must have gone since it did so last.
// Iterators are invalid afterwards, if the table shrinks; references to entries are not.
template <typename Table>
void ShrinkIfSparse(Table& table) {
  // A megabyte, so that burst after burst of a hundred thousand does not make it grow each time.
  constexpr size_t kBucketsKept = size_t{1} << 17;
  if (table.bucket_count() <= 2 * kBucketsKept || table.size() * 16 >= table.bucket_count()) return;
  table.rehash(std::max(table.size() * 2, kBucketsKept));
}

}  // namespace rayx
