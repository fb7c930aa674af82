#include "plasma/arena.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "plasma/arena_script.h"

namespace rayx::plasma {
namespace {

TEST(ArenaTest, RoundsUpToTheAlignment) {
  Arena arena(1024);
  const auto first = arena.Allocate(1);
  const auto second = arena.Allocate(65);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->offset, 0u);
  EXPECT_EQ(first->size_bytes, 64u);
  EXPECT_EQ(second->offset, 64u);
  EXPECT_EQ(second->size_bytes, 128u);
  EXPECT_EQ(arena.used_bytes(), 192u);
}

TEST(ArenaTest, TakesTheWholeSegmentAndNoMore) {
  Arena arena(1024);
  EXPECT_FALSE(arena.Allocate(1025));
  ASSERT_TRUE(arena.Allocate(1024));
  EXPECT_FALSE(arena.Allocate(1));
  arena.Free(0);
  EXPECT_TRUE(arena.Allocate(1024));
  arena.SanityCheck();
}

TEST(ArenaTest, HugeSizesDoNotWrap) {
  Arena arena(1024);
  for (const uint64_t size :
       {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 63, UINT64_MAX - 64, uint64_t{1} << 63}) {
    EXPECT_FALSE(arena.Allocate(size)) << size;
  }
  ASSERT_TRUE(arena.Allocate(64));
  EXPECT_FALSE(arena.Allocate(UINT64_MAX - 63));
  arena.SanityCheck();
}

TEST(ArenaTest, AnEmptySegmentHasNoRoom) {
  Arena arena(0);
  EXPECT_FALSE(arena.Allocate(1));
  EXPECT_EQ(arena.GetStats().largest_free_bytes, 0u);
  arena.SanityCheck();
}

TEST(ArenaTest, TakesTheSmallestRangeThatIsLargeEnough) {
  Arena arena(4096);
  const uint64_t large = arena.Allocate(512)->offset;
  arena.Allocate(64);
  const uint64_t small = arena.Allocate(128)->offset;
  arena.Allocate(64);
  arena.Free(large);
  arena.Free(small);
  EXPECT_EQ(arena.Allocate(128)->offset, small);
  const uint64_t within = arena.Allocate(128)->offset;
  EXPECT_GE(within, large);
  EXPECT_LT(within, large + 512);
}

TEST(ArenaTest, PrefersTouchedMemory) {
  Arena arena(1 << 20);
  const auto first = arena.Allocate(4096);
  EXPECT_EQ(first->touched_bytes, 0u);
  arena.Allocate(64);
  arena.Free(first->offset);
  const auto second = arena.Allocate(64);
  EXPECT_EQ(second->touched_bytes, 64u);
  EXPECT_LT(second->offset, 4096u);
  EXPECT_EQ(arena.touched_end(), 4096u + 64u);
}

TEST(ArenaTest, ExtendsTheLastFreeRangeIntoUntouchedMemory) {
  Arena arena(1024);
  arena.Allocate(128);
  const auto last = arena.Allocate(256);
  arena.Free(last->offset);
  const auto larger = arena.Allocate(896);
  ASSERT_TRUE(larger);
  EXPECT_EQ(larger->offset, 128u);
  EXPECT_EQ(larger->touched_bytes, 256u);
  EXPECT_EQ(arena.touched_end(), 1024u);
  arena.SanityCheck();
}

TEST(ArenaTest, MergesWithBothNeighbours) {
  Arena arena(192);
  arena.Allocate(64);
  arena.Allocate(64);
  arena.Allocate(64);
  arena.Free(0);
  arena.Free(128);
  EXPECT_EQ(arena.GetStats().largest_free_bytes, 64u);
  EXPECT_FALSE(arena.Allocate(128));
  arena.Free(64);
  EXPECT_EQ(arena.GetStats().largest_free_bytes, 192u);
  EXPECT_TRUE(arena.Allocate(192));
}

TEST(ArenaTest, LargestFreeRangeCountsUntouchedMemory) {
  Arena arena(1024);
  arena.Allocate(64);
  const uint64_t second = arena.Allocate(64)->offset;
  EXPECT_EQ(arena.GetStats().largest_free_bytes, 1024u - 128u);
  arena.Free(second);
  EXPECT_EQ(arena.GetStats().largest_free_bytes, 1024u - 64u);
}

TEST(ArenaDeathTest, FreeingWhatIsNotAllocatedIsAnError) {
  Arena arena(1024);
  arena.Allocate(128);
  EXPECT_DEATH(arena.Free(64), "check failed");
  arena.Free(0);
  EXPECT_DEATH(arena.Free(0), "check failed");
  EXPECT_DEATH(Arena(100), "check failed");
}

TEST(ArenaModelTest, AgreesWithTheModelOnRandomScripts) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<uint8_t> script(1500);
    for (uint8_t& byte : script) byte = static_cast<uint8_t>(random());
    ArenaScript(40 + seed * 8).Run(script);
  }
}

}  // namespace
}  // namespace rayx::plasma
