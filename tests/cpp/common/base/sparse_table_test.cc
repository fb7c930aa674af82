#include "common/base/sparse_table.h"

#include <gtest/gtest.h>

#include <unordered_map>

namespace rayx {
namespace {

TEST(SparseTable, ShrinksWithWhatIsLeftAndKeepsIt) {
  std::unordered_map<int, int> table;
  for (int at = 0; at < 2000000; ++at) table[at] = at;
  const size_t most = table.bucket_count();
  size_t times = 0;
  for (int at = 0; at < 1999000; ++at) {
    const size_t before = table.bucket_count();
    table.erase(at);
    ShrinkIfSparse(table);
    if (table.bucket_count() != before) ++times;
  }
  EXPECT_LT(table.bucket_count(), most / 8);
  EXPECT_LE(times, 3u);
  EXPECT_EQ(table.size(), 1000u);
  for (int at = 1999000; at < 2000000; ++at) EXPECT_EQ(table.at(at), at);
}

TEST(SparseTable, ASmallOneStays) {
  std::unordered_map<int, int> table;
  table.reserve(100000);
  const size_t buckets = table.bucket_count();
  table[1] = 1;
  ShrinkIfSparse(table);
  EXPECT_EQ(table.bucket_count(), buckets);
}

TEST(SparseTable, BurstsOfAHundredThousandDoNotMoveItEachTime) {
  std::unordered_map<int, int> table;
  for (int at = 0; at < 1000000; ++at) table[at] = at;
  table.clear();
  ShrinkIfSparse(table);
  const size_t buckets = table.bucket_count();
  for (int round = 0; round < 3; ++round) {
    for (int at = 0; at < 100000; ++at) table[at] = at;
    for (int at = 0; at < 100000; ++at) {
      table.erase(at);
      ShrinkIfSparse(table);
    }
    EXPECT_EQ(table.bucket_count(), buckets);
  }
}

}  // namespace
}  // namespace rayx
