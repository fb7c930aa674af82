#include "common/base/slabs.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <fstream>
#include <functional>
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

// Pages of addresses of this process, of those in memory, and of those that it shares.
std::array<size_t, 3> Pages() {
  std::array<size_t, 3> pages{};
  std::ifstream file("/proc/self/statm");
  for (size_t& count : pages) file >> count;
  return pages;
}
size_t AddressBytes() { return Pages()[0] * static_cast<size_t>(::getpagesize()); }
size_t ResidentBytes() {
  const auto [all, resident, shared] = Pages();
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
  EXPECT_EQ(slabs_.stats().blocks, blocks.size());
  for (const auto& block : blocks) Free(block);
  EXPECT_EQ(slabs_.stats().blocks, 0u);
  EXPECT_EQ(slabs_.stats().used_bytes, 0u);
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
  const Slabs::Stats stats = slabs_.stats();
  EXPECT_EQ(stats.blocks, 0u);
  EXPECT_EQ(stats.used_bytes, 0u);
  EXPECT_LE(stats.warm_bytes, kWarm);
}

TEST_F(SlabsTest, WhatABurstHasUsedGoesBackToTheSystem) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer keeps the memory of the test's own lists";
#endif
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
    if (round == 0) regions = slabs_.stats().regions;
  }
  EXPECT_EQ(slabs_.stats().regions, regions);
}

TEST_F(SlabsTest, TheirAddressesGoWithThem) {
  const size_t before = AddressBytes();
  {
    Slabs slabs(kWarm);
    for (int at = 0; at < 100000; ++at) {
      ASSERT_NE(slabs.Allocate(300), nullptr);
      ASSERT_NE(slabs.Allocate(at % 1000 == 0 ? 100000 : 300), nullptr);
    }
    EXPECT_GT(AddressBytes(), before + (30u << 20));
  }
  EXPECT_LT(AddressBytes(), before + (2u << 20));
}

TEST(SlabAllocator, ATableGivesItsEntriesBack) {
  using Entry = std::pair<const int, std::string>;
  Slabs slabs(0);
  {
    std::unordered_map<int, std::string, std::hash<int>, std::equal_to<int>, SlabAllocator<Entry>>
        table{SlabAllocator<Entry>(&slabs)};
    // Its buckets become larger than any block.
    for (int at = 0; at < 50000; ++at) table[at] = "x";
    EXPECT_GE(slabs.stats().blocks, 50000u);
    for (int at = 0; at < 50000; ++at) ASSERT_EQ(table.at(at), "x");
  }
  EXPECT_EQ(slabs.stats().blocks, 0u);
}

TEST(SharedSlabs, ThreadsMayFreeWhatOthersMade) {
  using Block = std::pair<std::byte*, size_t>;
  const size_t before = SharedStats().blocks;
  std::vector<std::vector<Block>> made(4);
  const auto work = [](size_t seed, std::vector<Block>* blocks) {
    std::mt19937 random(static_cast<unsigned>(seed));
    for (const auto& [memory, bytes] : *blocks) FreeShared(memory, bytes);
    blocks->clear();
    for (int at = 0; at < 5000; ++at) {
      const size_t bytes = 1 + random() % (at % 100 == 0 ? 2 * Slabs::kBlockBytesMax : 2000);
      blocks->emplace_back(AllocateShared(bytes), bytes);
      std::memset(blocks->back().first, 1, bytes);
    }
  };
  for (size_t round = 0; round < 5; ++round) {
    std::vector<std::thread> threads;
    for (size_t at = 0; at < made.size(); ++at) {
      threads.emplace_back(work, round * 10 + at, &made[(at + round) % made.size()]);
    }
    for (std::thread& thread : threads) thread.join();
  }
  for (const auto& blocks : made) {
    for (const auto& [memory, bytes] : blocks) FreeShared(memory, bytes);
  }
  EXPECT_EQ(SharedStats().blocks, before);
}

TEST(SharedSlabs, ASharedPointerKeepsItsBlock) {
  const size_t before = SharedStats().blocks;
  auto memory = std::allocate_shared_for_overwrite<uint8_t[]>(SharedSlabAllocator<uint8_t>(), 100);
  EXPECT_EQ(SharedStats().blocks, before + 1);
  memory.reset();
  EXPECT_EQ(SharedStats().blocks, before);
}

// A forked child drops what it has inherited, whatever other threads were about to do.
TEST(SharedSlabs, AForkedChildGoesOn) {
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
