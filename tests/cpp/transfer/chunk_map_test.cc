#include "transfer/chunk_map.h"

#include <gtest/gtest.h>

namespace rayx::transfer {
namespace {

TEST(ChunkMap, TheLastChunkIsShorter) {
  const ChunkMap map(25, 10);
  ASSERT_EQ(map.count(), 3u);
  EXPECT_EQ(RangeOf(25, 0, 10).offset, 0u);
  EXPECT_EQ(RangeOf(25, 0, 10).size, 10u);
  EXPECT_EQ(RangeOf(25, 2, 10).offset, 20u);
  EXPECT_EQ(RangeOf(25, 2, 10).size, 5u);
}

TEST(ChunkMap, OneThatIsFull) {
  EXPECT_EQ(ChunkMap(20, 10).count(), 2u);
  EXPECT_EQ(RangeOf(20, 1, 10).size, 10u);
  EXPECT_EQ(ChunkMap(1).count(), 1u);
}

TEST(ChunkMap, EachCountsOnce) {
  ChunkMap map(30, 10);
  EXPECT_TRUE(map.Add(1));
  EXPECT_FALSE(map.Add(1));
  EXPECT_FALSE(map.Add(3));
  EXPECT_EQ(map.missing(), 2u);
  EXPECT_TRUE(map.has(1));
  EXPECT_FALSE(map.has(0));
  EXPECT_FALSE(map.has(77));
  EXPECT_TRUE(map.Add(0));
  EXPECT_TRUE(map.Add(2));
  EXPECT_TRUE(map.is_whole());
}

TEST(ChunkMap, WhatIsMissingInOrder) {
  ChunkMap map(50, 10);
  map.Add(0);
  map.Add(2);
  EXPECT_EQ(map.NextMissing(0), 1u);
  EXPECT_EQ(map.NextMissing(2), 3u);
  EXPECT_EQ(map.NextMissing(5), std::nullopt);
  for (uint32_t chunk = 0; chunk < 5; ++chunk) map.Add(chunk);
  EXPECT_EQ(map.NextMissing(0), std::nullopt);
}

// 100 GiB in chunks of 1 MiB, whose offsets need more than 32 bits.
TEST(ChunkMap, Large) {
  const ChunkMap map(100ull << 30);
  EXPECT_EQ(map.count(), 102'400u);
  EXPECT_EQ(RangeOf(100ull << 30, 102'399).offset, 102'399ull << 20);
}

}  // namespace
}  // namespace rayx::transfer
