#include "client/pool_writer.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <vector>

#include "common/io/scoped_fd.h"

namespace rayx {
namespace {

constexpr uint64_t kPoolBytes = 64u << 20;

class PoolWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const ScopedFd memory = std::move(CreateSharedMemory("test", kPoolBytes)).value();
    reader_ = std::move(SharedMapping::Map(memory.get(), kPoolBytes, false)).value();
    writer_ = PoolWriter(std::move(SharedMapping::Map(memory.get(), kPoolBytes, true)).value());
  }

  static std::vector<uint8_t> Bytes(size_t size, uint8_t first) {
    std::vector<uint8_t> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(first + i + i / 251);
    return bytes;
  }
  // Copies there; what it touched, and nothing beside it, is what it should be.
  void Check(uint64_t offset, size_t size, uint8_t first) {
    const std::vector<uint8_t> bytes = Bytes(size, first);
    const std::vector<uint8_t> before(reader_.data(), reader_.data() + kPoolBytes);
    uint8_t* const to = writer_.At(offset, size);
    ASSERT_NE(to, nullptr);
    writer_.Copy(bytes, to);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), reader_.data() + offset));
    EXPECT_TRUE(std::equal(reader_.data(), reader_.data() + offset, before.data()));
    const uint64_t end = offset + size;
    EXPECT_TRUE(std::equal(reader_.data() + end, reader_.data() + kPoolBytes, before.data() + end));
  }

  SharedMapping reader_;
  PoolWriter writer_;
};

TEST_F(PoolWriterTest, WritesWhatAndWhereItShould) {
  uint8_t first = 1;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{63}, size_t{4096}, size_t{300'001},
                            size_t{5'000'003}, size_t{8} << 20, size_t{20'000'001}}) {
    // At borders of pages, lines and blocks, and beside them.
    for (const uint64_t offset : {0u, 64u, 1u, 65'536u, 65'535u}) Check(offset, size, first++);
  }
}

TEST_F(PoolWriterTest, WritesTheWholePool) { Check(0, kPoolBytes, 7); }

TEST_F(PoolWriterTest, WritesTheEndOfThePool) { Check(kPoolBytes - 9'000'001, 9'000'001, 7); }

TEST_F(PoolWriterTest, ManyMayWriteAtOnce) {
  constexpr size_t kEach = 16u << 20;
  const std::vector<uint8_t> bytes = Bytes(kEach, 3);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kPoolBytes / kEach; ++i) {
    threads.emplace_back([&, i] { writer_.Copy(bytes, writer_.At(i * kEach, kEach)); });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < kPoolBytes / kEach; ++i) {
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), reader_.data() + i * kEach)) << i;
  }
}

TEST_F(PoolWriterTest, NothingOutsideIsHandedOut) {
  EXPECT_EQ(writer_.At(kPoolBytes + 1, 0), nullptr);
  EXPECT_EQ(writer_.At(kPoolBytes, 1), nullptr);
  EXPECT_EQ(writer_.At(1, kPoolBytes), nullptr);
  EXPECT_EQ(writer_.At(1, ~uint64_t{0}), nullptr);
  EXPECT_EQ(PoolWriter().At(0, 1), nullptr);
  EXPECT_FALSE(PoolWriter().valid());
}

TEST_F(PoolWriterTest, OfMemoryThatIsNotWrittenOnlyTheBlocksBesideAreTouched) {
  const std::vector<uint8_t> bytes = Bytes(1u << 20, 1);
  writer_.Copy(bytes, writer_.At(32u << 20, bytes.size()));
  std::vector<unsigned char> pages(kPoolBytes / 4096);
  ASSERT_EQ(::mincore(reader_.data(), kPoolBytes, pages.data()), 0);
  const auto resident =
      std::accumulate(pages.begin(), pages.end(), size_t{0},
                      [](size_t sum, unsigned char page) { return sum + (page & 1u); });
  EXPECT_GE(resident, size_t{256});
  EXPECT_LE(resident, size_t{256 + 32});
}

}  // namespace
}  // namespace rayx
