// Hash tables that a burst has left nearly empty.
//
// The standard's tables never give back their buckets, eight bytes for each entry that there ever
// was at a time; and walking over a table costs its buckets.
#pragma once

#include <cstddef>

namespace rayx {

// Gives back most buckets of a table that has become far emptier than it was; to be called where
// entries are erased. Costs nothing on the whole: from one time to the next so many entries must
// go, or come and go, as are moved. Iterators are invalid afterwards, if the table shrinks;
// references to entries are not.
template <typename Table>
void ShrinkIfSparse(Table& table) {
  // A small table stays as it is.
  constexpr size_t kBucketsKept = 8192;
  if (table.bucket_count() <= kBucketsKept || table.size() * 8 >= table.bucket_count()) return;
  // Not below what is kept, so that the next thousands find room.
  constexpr size_t kRoomKept = kBucketsKept / 2;
  const size_t room = table.size() * 2 > kRoomKept ? table.size() * 2 : kRoomKept;
  table.rehash(room);
}

}  // namespace rayx
