#include "common/process/process_mark.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>

#include "common/process/child_process.h"

namespace rayx {
namespace {

pid_t StartMarked(const char* mark) {
  SpawnOptions options;
  options.argv = {"sleep", "100"};
  options.environment = {{std::string(kProcessMark), mark}};
  const Result<pid_t> pid = Spawn(options);
  EXPECT_TRUE(pid.ok()) << pid.status().message();
  return *pid;
}

TEST(ProcessMark, IsReadFromAnotherProcess) {
  const pid_t pid = StartMarked("abc");
  EXPECT_EQ(ProcessMarkOf(pid), "abc");
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_EQ(ProcessMarkOf(pid), "");
}

TEST(ProcessMark, ProcessesWithoutOneHaveNone) {
  SpawnOptions options;
  options.argv = {"sleep", "100"};
  options.environment = {{std::string(kProcessMark), std::nullopt}};
  const Result<pid_t> pid = Spawn(options);
  ASSERT_TRUE(pid.ok());
  EXPECT_EQ(ProcessMarkOf(*pid), "");
  ASSERT_EQ(::kill(*pid, SIGKILL), 0);
  ASSERT_EQ(::waitpid(*pid, nullptr, 0), *pid);
}

}  // namespace
}  // namespace rayx
