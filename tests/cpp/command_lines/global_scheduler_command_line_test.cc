#include "command_lines/global_scheduler_command_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rayx::command_lines {
namespace {

GlobalSchedulerCommandLine Read(std::vector<std::string> words) {
  words.insert(words.begin(), "rayx-global-scheduler");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return ReadGlobalSchedulerCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

TEST(GlobalSchedulerCommandLineTest, ReadsItsOptions) {
  const GlobalSchedulerCommandLine read = Read({"--session-dir", "/tmp", "--complete"});
  ASSERT_FALSE(read.exit_code.has_value());
  EXPECT_EQ(read.options.session_dir, "/tmp");
  EXPECT_TRUE(read.options.complete);
  EXPECT_FALSE(read.verbose);
}

TEST(GlobalSchedulerCommandLineTest, NamesADirectoryThatIsNotThere) {
  testing::internal::CaptureStderr();
  EXPECT_NE(Read({"--session-dir", "/nonexistent"}).exit_code.value_or(0), 0);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("/nonexistent"), std::string::npos);
}

}  // namespace
}  // namespace rayx::command_lines
