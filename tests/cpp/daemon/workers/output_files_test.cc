#include "daemon/workers/output_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "daemon/test_process.h"
#include "testing/open_fds.h"

namespace rayx::daemon {
namespace {

TEST(OutputFiles, AppendsToAFileForEachStreamOfAWorker) {
  ScratchDirectory directory;
  OutputFiles files(directory.path());
  files.Append(10, false, "a");
  files.Append(10, true, "error");
  files.Append(11, false, "other");
  files.Append(10, false, "b\nc");
  EXPECT_EQ(ReadFile(directory.path() + "/worker-10.out"), "a\nb\nc\n");
  EXPECT_EQ(ReadFile(directory.path() + "/worker-10.err"), "error\n");
  EXPECT_EQ(ReadFile(directory.path() + "/worker-11.out"), "other\n");
}

TEST(OutputFiles, ForgettingAWorkerClosesItsFilesAndKeepsThem) {
  ScratchDirectory directory;
  OutputFiles files(directory.path());
  const size_t before = OpenFdCount();
  files.Append(10, false, "a");
  files.Append(10, true, "b");
  EXPECT_EQ(OpenFdCount(), before + 2);
  files.Forget(10);
  EXPECT_EQ(OpenFdCount(), before);
  files.Append(10, false, "c");
  EXPECT_EQ(ReadFile(directory.path() + "/worker-10.out"), "a\nc\n");
}

TEST(OutputFiles, ArePrivateAndWritableWhateverTheUmask) {
  ScratchDirectory directory;
  for (const mode_t mask : {mode_t{0}, mode_t{0777}}) {
    const mode_t before = ::umask(mask);
    OutputFiles files(directory.path());
    const auto pid = static_cast<pid_t>(mask + 1);
    files.Append(pid, false, "a");
    ::umask(before);
    struct stat info {};
    ASSERT_EQ(::stat((directory.path() + "/worker-" + std::to_string(pid) + ".out").c_str(), &info),
              0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
  }
}

TEST(OutputFiles, WhatCannotBeWrittenIsLost) {
  OutputFiles files("/nowhere/at/all");
  files.Append(10, false, "a");
  files.Forget(10);
}

}  // namespace
}  // namespace rayx::daemon
