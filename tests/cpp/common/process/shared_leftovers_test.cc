#include "common/process/shared_leftovers.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "common/os/scoped_fd.h"

namespace rayx {
namespace {

namespace fs = std::filesystem;

class SharedLeftoversTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "leftovers-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = fs::canonical(pattern).string();
  }
  void TearDown() override { fs::remove_all(directory_); }

  // A process that has made these files and mapped them.
  pid_t Start(const std::vector<std::string>& names) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const ScopedFd read_end(ends[0]);
    ScopedFd write_end(ends[1]);
    const pid_t pid = ::fork();
    if (pid == 0) {
      for (const std::string& name : names) {
        const std::string path = directory_ + "/" + name;
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
        if (::ftruncate(fd, 4096) != 0) ::_exit(1);
        if (::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED) {
          ::_exit(1);
        }
        ::close(fd);
      }
      if (::write(write_end.get(), "x", 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    write_end.Reset();
    char byte = 0;
    EXPECT_EQ(::read(read_end.get(), &byte, 1), 1);
    return pid;
  }
  static void Kill(pid_t pid) {
    ::kill(pid, SIGKILL);
    EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
  }
  bool Exists(const std::string& name) const { return fs::exists(directory_ + "/" + name); }

  std::string directory_;
};

TEST_F(SharedLeftoversTest, WhatAKilledProcessHadMappedIsRemoved) {
  fs::create_directory(directory_ + "/joblib_memmapping_folder_1");
  const pid_t pid =
      Start({"psm_1", "sem.mp-1", "sem.loky-1-2", "joblib_memmapping_folder_1/a.pkl"});
  SharedLeftovers left(directory_);
  left.NoteTree(pid);
  Kill(pid);
  left.Remove();
  EXPECT_TRUE(fs::is_empty(directory_));
  EXPECT_TRUE(left.empty());
}

TEST_F(SharedLeftoversTest, WhatBearsANameOfTheUserStays) {
  const pid_t pid = Start({"data.npy", "psm_1", "my_psm_2"});
  SharedLeftovers left(directory_);
  left.NoteTree(pid);
  Kill(pid);
  left.Remove();
  EXPECT_TRUE(Exists("data.npy"));
  EXPECT_TRUE(Exists("my_psm_2"));
  EXPECT_FALSE(Exists("psm_1"));
}

TEST_F(SharedLeftoversTest, WhatSomebodyElseHasMappedStays) {
  const pid_t pid = Start({"psm_1", "psm_2"});
  const pid_t other = Start({"psm_2"});
  SharedLeftovers left(directory_);
  left.NoteTree(pid);
  Kill(pid);
  left.Remove();
  EXPECT_FALSE(Exists("psm_1"));
  EXPECT_TRUE(Exists("psm_2"));
  Kill(other);
}

TEST_F(SharedLeftoversTest, WhatNobodyHadMappedStays) {
  const pid_t other = Start({"psm_2"});
  const pid_t pid = Start({"psm_1"});
  Kill(other);
  SharedLeftovers left(directory_);
  left.NoteTree(pid);
  Kill(pid);
  left.Remove();
  EXPECT_TRUE(Exists("psm_2")) << "it may be anybody's";
  EXPECT_FALSE(Exists("psm_1"));
}

TEST_F(SharedLeftoversTest, WhatIsGoneAlreadyIsNoFailure) {
  const pid_t pid = Start({"psm_1"});
  SharedLeftovers left(directory_);
  left.NoteTree(pid);
  EXPECT_FALSE(left.empty());
  Kill(pid);
  fs::remove(directory_ + "/psm_1");
  left.Remove();
  EXPECT_TRUE(left.empty());
}

}  // namespace
}  // namespace rayx
