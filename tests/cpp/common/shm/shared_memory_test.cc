#include "common/shm/shared_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace rayx {
namespace {

constexpr uint64_t kBytes = 3 * 4096;
constexpr uid_t kNobody = 65534;

class SharedMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<ScopedFd> fd = CreateSharedMemory("rayx-test", kBytes);
    ASSERT_TRUE(fd.ok()) << fd.status().ToString();
    fd_ = std::move(*fd);
  }
  ScopedFd fd_;
};

TEST_F(SharedMemoryTest, TwoMappingsShareTheirBytes) {
  Result<SharedMapping> writer = SharedMapping::Map(fd_.get(), kBytes, true);
  ASSERT_TRUE(writer.ok()) << writer.status().ToString();
  Result<ScopedFd> read_only = ReopenReadOnly(fd_.get());
  ASSERT_TRUE(read_only.ok()) << read_only.status().ToString();
  Result<SharedMapping> reader = SharedMapping::Map(read_only->get(), kBytes, false);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  writer->data()[kBytes - 1] = 42;
  EXPECT_EQ(reader->data()[kBytes - 1], 42);
  EXPECT_EQ(reader->size(), kBytes);
}

TEST_F(SharedMemoryTest, HasNoNameAndIsClosedOnExec) {
  EXPECT_NE(::fcntl(fd_.get(), F_GETFD) & FD_CLOEXEC, 0);
  struct stat status;
  ASSERT_EQ(::fstat(fd_.get(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, mode_t{0400});
}

TEST_F(SharedMemoryTest, NobodyChangesItsSize) {
  EXPECT_NE(::ftruncate(fd_.get(), 1), 0);
  EXPECT_NE(::ftruncate(fd_.get(), static_cast<off_t>(2 * kBytes)), 0);
  EXPECT_NE(::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
}

TEST_F(SharedMemoryTest, S26_ReadOnlyDescriptorCannotWrite) {
  Result<ScopedFd> read_only = ReopenReadOnly(fd_.get());
  ASSERT_TRUE(read_only.ok());
  EXPECT_NE(::fcntl(read_only->get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, read_only->get(), 0),
            MAP_FAILED);
  EXPECT_LT(::write(read_only->get(), "x", 1), 0);
  EXPECT_NE(::ftruncate(read_only->get(), 0), 0);
  EXPECT_FALSE(SharedMapping::Map(read_only->get(), kBytes, true).ok());
}

TEST_F(SharedMemoryTest, S26_OrdinaryReaderCannotReopenForWriting) {
  if (::getuid() != 0) GTEST_SKIP() << "makes an ordinary user of itself, which needs root";
  // Made by that user, as in life: same uid, not root.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::setresuid(kNobody, kNobody, kNobody) != 0) ::_exit(10);
    Result<ScopedFd> memory = CreateSharedMemory("rayx-test", kBytes);
    if (!memory.ok()) ::_exit(11);
    Result<ScopedFd> read_only = ReopenReadOnly(memory->get());
    if (!read_only.ok()) ::_exit(12);
    const std::string path = "/proc/self/fd/" + std::to_string(read_only->get());
    if (::open(path.c_str(), O_RDWR) >= 0) ::_exit(13);
    if (!SharedMapping::Map(memory->get(), kBytes, true).ok()) ::_exit(14);
    ::_exit(0);
  }
  int wait_status = 0;
  ASSERT_EQ(::waitpid(child, &wait_status, 0), child);
  EXPECT_TRUE(WIFEXITED(wait_status));
  EXPECT_EQ(WEXITSTATUS(wait_status), 0);
}

TEST_F(SharedMemoryTest, WritingThroughAReadOnlyMappingFaults) {
  Result<SharedMapping> reader = SharedMapping::Map(fd_.get(), kBytes, false);
  ASSERT_TRUE(reader.ok());
  EXPECT_DEATH(const_cast<volatile uint8_t*>(reader->data())[0] = 1, "");
}

TEST_F(SharedMemoryTest, UnsealedOrSmallerMemoryIsRefused) {
  const ScopedFd unsealed(::memfd_create("rayx-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(unsealed.get(), static_cast<off_t>(kBytes)), 0);
  EXPECT_EQ(SharedMapping::Map(unsealed.get(), kBytes, false).status().code(),
            StatusCode::kIoError);
  EXPECT_EQ(SharedMapping::Map(fd_.get(), kBytes + 1, false).status().code(), StatusCode::kIoError);
  EXPECT_EQ(SharedMapping::Map(fd_.get(), 0, false).status().code(), StatusCode::kIoError);
  EXPECT_EQ(SharedMapping::Map(-1, kBytes, false).status().code(), StatusCode::kIoError);
}

TEST_F(SharedMemoryTest, SizesWithoutMeaningAreRefused) {
  EXPECT_EQ(CreateSharedMemory("x", 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(CreateSharedMemory("x", UINT64_MAX).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(SharedMemoryTest, MappingsMoveAndAreUnmappedOnce) {
  Result<SharedMapping> first = SharedMapping::Map(fd_.get(), kBytes, true);
  ASSERT_TRUE(first.ok());
  uint8_t* const address = first->data();
  SharedMapping moved(std::move(*first));
  EXPECT_FALSE(first->valid());
  EXPECT_EQ(moved.data(), address);
  Result<SharedMapping> second = SharedMapping::Map(fd_.get(), kBytes, true);
  ASSERT_TRUE(second.ok());
  moved = std::move(*second);
  EXPECT_FALSE(second->valid());
  EXPECT_NE(moved.data(), address);
  // What was mapped there before is gone at once.
  EXPECT_NE(::msync(address, 4096, MS_ASYNC), 0);
}

}  // namespace
}  // namespace rayx
