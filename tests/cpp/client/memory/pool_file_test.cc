#include "client/memory/pool_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <utility>

#include "common/shm/shared_memory.h"

namespace rayx {
namespace {

ScopedFd Memory() { return std::move(CreateSharedMemory("test", 4096)).value(); }

bool IsDescriptor(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(PoolFileTest, IsClosedWithItsOwner) {
  int fd = -1;
  {
    const PoolFile file(Memory());
    EXPECT_TRUE(file.IsOpen());
    fd = file.get();
  }
  EXPECT_FALSE(IsDescriptor(fd));
}

TEST(PoolFileTest, AnotherFileUnderTheNumberIsLeftAlone) {
  PoolFile file(Memory());
  const ScopedFd other = Memory();
  ASSERT_EQ(::dup2(other.get(), file.get()), file.get());
  EXPECT_FALSE(file.IsOpen());
  const ScopedFd taken(file.get());
  file.Close();
  EXPECT_TRUE(IsDescriptor(taken.get()));
}

TEST(PoolFileTest, NothingIsOpenWithoutADescriptor) {
  EXPECT_FALSE(PoolFile().IsOpen());
  PoolFile closed(Memory());
  closed.Close();
  EXPECT_FALSE(closed.IsOpen());
}

}  // namespace
}  // namespace rayx
