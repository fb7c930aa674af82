#include "command_lines/supervisor_command_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rayx::command_lines {
namespace {

SupervisorCommandLine Read(std::vector<std::string> words) {
  words.insert(words.begin(), "rayx-supervisor");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return ReadSupervisorCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

TEST(SupervisorCommandLineTest, WhatComesBehindTheDashesIsTheNodes) {
  const SupervisorCommandLine read =
      Read({"--session-dir", "/tmp/s", "--lifeline-fd", "3", "--redis-server", "valkey",
            "--standing", "--address", "10.0.0.1", "--port", "6379", "--", "--num-cpus", "2"});
  ASSERT_FALSE(read.exit_code.has_value());
  EXPECT_EQ(read.options.session_dir, "/tmp/s");
  EXPECT_EQ(read.options.lifeline_fd, 3);
  EXPECT_TRUE(read.options.standing);
  EXPECT_EQ(read.options.address, "10.0.0.1");
  EXPECT_EQ(read.options.port, 6379);
  EXPECT_EQ(read.options.node_arguments, (std::vector<std::string>{"--num-cpus", "2"}));
}

TEST(SupervisorCommandLineTest, NamesWhatIsMissing) {
  testing::internal::CaptureStderr();
  const SupervisorCommandLine read = Read({"--session-dir", "/tmp/s"});
  EXPECT_NE(read.exit_code.value_or(0), 0);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("--lifeline-fd is required"),
            std::string::npos);
}

}  // namespace
}  // namespace rayx::command_lines
