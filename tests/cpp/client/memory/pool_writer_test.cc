#include "client/memory/pool_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

#include "common/os/scoped_fd.h"
#include "testing/open_fds.h"

namespace rayx {
namespace {

constexpr uint64_t kPoolBytes = 64u << 20;

class PoolWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ScopedFd memory = std::move(CreateSharedMemory("test", kPoolBytes)).value();
    read_only_ = std::move(ReopenReadOnly(memory.get())).value();
    reader_ = std::move(SharedMapping::Map(memory.get(), kPoolBytes, false)).value();
    other_ = std::move(SharedMapping::Map(memory.get(), kPoolBytes, true)).value();
    SharedMapping mapping = std::move(SharedMapping::Map(memory.get(), kPoolBytes, true)).value();
    file_ = memory.get();
    writer_ = PoolWriter(std::move(mapping), std::move(memory));
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

  // Copies to a pool of which nobody has touched anything but one byte.
  void CheckUntouched(uint64_t offset, size_t size, std::optional<uint64_t> touched) {
    SetUp();
    if (touched) other_.data()[*touched] = 1;
    const std::vector<uint8_t> bytes = Bytes(size, 1);
    writer_.Copy(bytes, writer_.At(offset, size));
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), reader_.data() + offset));
    const auto is_touched = [](uint8_t byte) { return byte != 0; };
    const bool is_beside = touched && (*touched < offset || *touched >= offset + size);
    const size_t around = std::min<uint64_t>(offset + size + 100'000, kPoolBytes);
    EXPECT_EQ(
        std::count_if(reader_.data(), reader_.data() + offset, is_touched) +
            std::count_if(reader_.data() + offset + size, reader_.data() + around, is_touched),
        is_beside && *touched < around ? 1 : 0);
  }
  void CheckCopy(uint64_t offset, size_t size) {
    const std::vector<uint8_t> bytes = Bytes(size, 1);
    writer_.Copy(bytes, writer_.At(offset, size));
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), reader_.data() + offset));
  }
  // How many pages of the pool there are.
  size_t ResidentPages() const {
    std::vector<unsigned char> pages(kPoolBytes / 4096);
    EXPECT_EQ(::mincore(reader_.data(), kPoolBytes, pages.data()), 0);
    return std::accumulate(pages.begin(), pages.end(), size_t{0},
                           [](size_t sum, unsigned char page) { return sum + (page & 1u); });
  }

  ScopedFd read_only_;
  SharedMapping reader_;
  SharedMapping other_;  // of another who writes
  PoolWriter writer_;
  int file_ = -1;  // the writer's
};

TEST_F(PoolWriterTest, WritesWhatAndWhereItShould) {
  uint8_t first = 1;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{63}, size_t{4096}, size_t{300'001},
                            size_t{5'000'003}, size_t{8} << 20, size_t{20'000'001}}) {
    // At borders of pages, lines and blocks, and beside them.
    for (const uint64_t offset : {0u, 64u, 1u, 65'536u, 65'535u}) Check(offset, size, first++);
  }
}

TEST_F(PoolWriterTest, WritesARoomAgainAsItDoesAnother) {
  uint8_t first = 1;
  for (const size_t size : {(size_t{1} << 20) - 1, size_t{1} << 20, size_t{1'300'003}}) {
    for (const uint64_t offset : {64u, 64u, 65u, 3'000'001u, 64u}) Check(offset, size, first++);
  }
}

TEST_F(PoolWriterTest, WritesRoomsThatOthersHavePartlyTouched) {
  CheckUntouched(1, 300'000, {});
  CheckUntouched(4095, 30'000'000, {});
  for (const uint64_t touched : {0u, 5'000u, 777'777u, 2'000'000u, 29'999'999u}) {
    CheckUntouched(1, 300'000, touched);
    CheckUntouched(4095, 30'000'000, touched);
  }
}

TEST_F(PoolWriterTest, WritesToTheFileWhatNobodyHasTouched) {
  const std::vector<uint8_t> bytes = Bytes(1u << 20, 1);
  uint8_t* const room = writer_.At(1u << 20, bytes.size());
  ::rusage before{}, after{};
  ASSERT_EQ(::getrusage(RUSAGE_THREAD, &before), 0);
  writer_.Copy(bytes, room);
  ASSERT_EQ(::getrusage(RUSAGE_THREAD, &after), 0);
  EXPECT_LE(after.ru_minflt - before.ru_minflt, 16) << "its 256 pages are not mapped";
  EXPECT_EQ(ResidentPages(), 256u);
}

TEST_F(PoolWriterTest, WritesThroughTheMappingOnceTheFileIsClosed) {
  const size_t fds = OpenFdCount();
  writer_.CloseFile();
  EXPECT_EQ(OpenFdCount(), fds - 1);
  writer_.CloseFile();
  EXPECT_EQ(OpenFdCount(), fds - 1);
  CheckCopy(64, 1'000'000);
  CheckCopy(3'000'000, 30'000'000);
}

TEST_F(PoolWriterTest, DoesNotWriteIntoAFileThatHasTakenThePlaceOfThePool) {
  const ScopedFd stranger = std::move(CreateSharedMemory("stranger", kPoolBytes)).value();
  ASSERT_EQ(::dup2(stranger.get(), file_), file_);
  CheckCopy(64, 1'000'000);
  EXPECT_EQ(::lseek(stranger.get(), 0, SEEK_DATA), -1) << "it is empty";
  writer_.CloseFile();
  EXPECT_EQ(::fcntl(file_, F_GETFD), 0) << "and it is not ours to close";
  ::close(file_);
}

TEST_F(PoolWriterTest, WritesThroughTheMappingWhatItMayNotWriteToTheFile) {
  SharedMapping mapping = std::move(SharedMapping::Map(file_, kPoolBytes, true)).value();
  writer_ = PoolWriter(std::move(mapping), std::move(read_only_));
  CheckCopy(64, 20'000'000);
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
  const size_t resident = ResidentPages();
  EXPECT_GE(resident, size_t{256});
  EXPECT_LE(resident, size_t{256 + 32});
}

}  // namespace
}  // namespace rayx
