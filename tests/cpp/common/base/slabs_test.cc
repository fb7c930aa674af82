#include "common/base/slabs.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rayx {
namespace {

constexpr size_t kWarm = size_t{1} << 20;

// Bytes of this process that are in memory and its own.
size_t ResidentBytes() {
  size_t pages = 0;
  size_t resident = 0;
  size_t shared = 0;
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/self/statm", "r"), &fclose);
  EXPECT_EQ(std::fscanf(file.get(), "%zu %zu %zu", &pages, &resident, &shared), 3);
  return (resident - shared) * static_cast<size_t>(::getpagesize());
}

class SlabsTest : public testing::Test {
 protected:
  // Filled with a mark that Free looks for.
  std::pair<uint8_t*, size_t> Make(size_t bytes) {
    auto* const block = static_cast<uint8_t*>(slabs_.Allocate(bytes));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 16, 0u);
    std::memset(block, Mark(block), bytes);
    return {block, bytes};
  }
  void Free(std::pair<uint8_t*, size_t> block) {
    for (size_t at = 0; at < block.second; ++at) {
      ASSERT_EQ(block.first[at], Mark(block.first)) << "of " << block.second << " bytes";
    }
    slabs_.Free(block.first);
  }
  static uint8_t Mark(const uint8_t* block) {
    return static_cast<uint8_t>(reinterpret_cast<uintptr_t>(block) >> 4);
  }

  Slabs slabs_{kWarm};
};

TEST_F(SlabsTest, BlocksOfEachSizeAreWholeAndApart) {
  std::vector<std::pair<uint8_t*, size_t>> blocks;
  for (size_t bytes = 0; bytes <= 9000; bytes += 7) blocks.push_back(Make(bytes));
  for (const size_t at : {16u, 1024u, 4096u, 8192u, 65536u, 131072u}) {
    for (const size_t bytes : {at - 1, at, at + 1}) {
      if (bytes <= Slabs::kBlockBytesMax) blocks.push_back(Make(bytes));
    }
  }
  EXPECT_EQ(slabs_.GetStats().blocks, blocks.size());
  for (const auto& block : blocks) Free(block);
  EXPECT_EQ(slabs_.GetStats().blocks, 0u);
  EXPECT_EQ(slabs_.GetStats().used_bytes, 0u);
}

TEST_F(SlabsTest, AFreedBlockIsUsedAgain) {
  const auto other = Make(100);
  const auto first = Make(100);
  Free(first);
  EXPECT_EQ(Make(101).first, first.first);
  Free(other);
}

TEST_F(SlabsTest, AnyOrderOfComingAndGoing) {
  std::mt19937 random(7);
  std::vector<std::pair<uint8_t*, size_t>> blocks;
  for (int step = 0; step < 60000; ++step) {
    // Waves, so that slabs fill and run empty.
    const bool grows = (step / 5000) % 2 == 0;
    if (blocks.empty() || random() % 10 < (grows ? 7u : 3u)) {
      const size_t bytes = random() % 50 == 0 ? random() % Slabs::kBlockBytesMax : random() % 700;
      blocks.push_back(Make(bytes));
    } else {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      Free(blocks.back());
      blocks.pop_back();
    }
  }
  while (!blocks.empty()) {
    Free(blocks.back());
    blocks.pop_back();
  }
  const Slabs::Stats stats = slabs_.GetStats();
  EXPECT_EQ(stats.blocks, 0u);
  EXPECT_EQ(stats.used_bytes, 0u);
  EXPECT_LE(stats.warm_bytes, kWarm);
}

TEST_F(SlabsTest, WhatABurstHasUsedGoesBackToTheSystem) {
  for (const size_t bytes : {200u, 3000u, 20000u}) {
    const size_t before = ResidentBytes();
    std::vector<std::pair<uint8_t*, size_t>> blocks;
    const size_t count = (size_t{64} << 20) / bytes;
    blocks.reserve(count);
    while (blocks.size() < count) blocks.push_back(Make(bytes));
    EXPECT_GT(ResidentBytes(), before + (60u << 20));
    // One in a thousand stays, as something always does.
    std::vector<std::pair<uint8_t*, size_t>> left;
    for (size_t at = 0; at < count; ++at) {
      if (at % 1000 == 999 && bytes == 200) {
        left.push_back(blocks[at]);
      } else {
        Free(blocks[at]);
      }
    }
    decltype(blocks)().swap(blocks);  // assigning {} would keep its room
    const size_t held = left.size() * Slabs::kSlabBytes;
    EXPECT_LT(ResidentBytes(), before + kWarm + held + (2u << 20)) << bytes;
    for (const auto& block : left) Free(block);
    EXPECT_LT(ResidentBytes(), before + kWarm + (2u << 20)) << bytes;
  }
}

TEST_F(SlabsTest, AddressesAreUsedAgain) {
  size_t regions = 0;
  for (int round = 0; round < 5; ++round) {
    std::vector<std::pair<uint8_t*, size_t>> blocks;
    for (int at = 0; at < 20000; ++at) blocks.push_back(Make(300));
    for (const auto& block : blocks) Free(block);
    if (round == 0) regions = slabs_.GetStats().regions;
  }
  EXPECT_EQ(slabs_.GetStats().regions, regions);
}

TEST_F(SlabsTest, ThreadsMayFreeWhatOthersMade) {
  std::vector<std::vector<std::pair<uint8_t*, size_t>>> made(4);
  const auto work = [this](size_t seed, auto* blocks) {
    std::mt19937 random(static_cast<unsigned>(seed));
    for (const auto& block : *blocks) Free(block);
    blocks->clear();
    for (int at = 0; at < 5000; ++at) blocks->push_back(Make(random() % 2000));
  };
  for (size_t round = 0; round < 5; ++round) {
    std::vector<std::thread> threads;
    for (size_t at = 0; at < made.size(); ++at) {
      threads.emplace_back(work, round * 10 + at, &made[(at + round) % made.size()]);
    }
    for (std::thread& thread : threads) thread.join();
  }
  for (const auto& blocks : made) {
    for (const auto& block : blocks) Free(block);
  }
  EXPECT_EQ(slabs_.GetStats().blocks, 0u);
}

TEST(SlabMap, KnowsTheBlocksOfItsSlabs) {
  static SlabMap map;
  Slabs slabs(0, &map);
  const std::string elsewhere(1000, 'x');
  auto* const small = static_cast<uint8_t*>(slabs.Allocate(10));
  auto* const large = static_cast<uint8_t*>(slabs.Allocate(100000));
  EXPECT_TRUE(map.Contains(small));
  EXPECT_TRUE(map.Contains(large));
  EXPECT_TRUE(map.Contains(large + 99999));
  EXPECT_FALSE(map.Contains(elsewhere.data()));
  EXPECT_FALSE(map.Contains(&map));
  EXPECT_FALSE(map.Contains(nullptr));
  slabs.Free(small);
  slabs.Free(large);
}

TEST(SlabAllocator, ATableGivesItsEntriesBack) {
  using Table = std::unordered_map<int, std::string, std::hash<int>, std::equal_to<int>,
                                   SlabAllocator<std::pair<const int, std::string>>>;
  const size_t before = SharedSlabs().GetStats().blocks;
  {
    Table table;
    for (int at = 0; at < 1000; ++at) table[at] = "x";
    EXPECT_GE(SharedSlabs().GetStats().blocks, before + 1000);
  }
  EXPECT_EQ(SharedSlabs().GetStats().blocks, before);
}

// A forked child drops what it has inherited, whatever other threads were about to do.
TEST(SlabAllocator, AForkedChildGoesOn) {
  std::atomic<bool> is_over = false;
  std::thread other([&is_over] {
    while (!is_over) FreeShared(AllocateShared(100), 100);
  });
  for (int round = 0; round < 50; ++round) {
    std::byte* const inherited = AllocateShared(100);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::alarm(20);
      FreeShared(inherited, 100);
      FreeShared(AllocateShared(100), 100);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    FreeShared(inherited, 100);
  }
  is_over = true;
  other.join();
}

}  // namespace
}  // namespace rayx
