#include "command_lines/node_command_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rayx::command_lines {
namespace {

NodeCommandLine Read(std::vector<std::string> words) {
  words.insert(words.begin(), {"rayx-node", "--session-dir", "/tmp", "--template-arg", "python",
                               "--control-socket", "a.sock"});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return ReadNodeCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

// What is said of a command line that is refused.
std::string RefusalOf(const std::vector<std::string>& words) {
  testing::internal::CaptureStderr();
  const NodeCommandLine read = Read(words);
  EXPECT_TRUE(read.exit_code.has_value());
  EXPECT_NE(read.exit_code, 0);
  return testing::internal::GetCapturedStderr();
}

TEST(NodeCommandLineTest, ReadsWhatANodeHas) {
  const NodeCommandLine read = Read({"--object-store-memory", "10000", "--num-cpus", "2.5",
                                     "--resource", "disk=3", "--num-workers", "4", "--verbose"});
  ASSERT_FALSE(read.exit_code.has_value());
  EXPECT_TRUE(read.verbose);
  EXPECT_EQ(read.options.pool_bytes, 8192u);  // whole pages
  EXPECT_EQ(read.options.total.Get(kCpu), ResourceAmount::FromDouble(2.5).value());
  EXPECT_EQ(read.options.total.Get(kGpu), ResourceAmount());
  EXPECT_EQ(read.options.total.Get("disk"), ResourceAmount::FromDouble(3).value());
  EXPECT_EQ(read.options.prestart_workers, 4u);
  EXPECT_EQ(read.options.control_sockets, std::vector<std::string>{"a.sock"});
}

TEST(NodeCommandLineTest, NamesWhatIsWrong) {
  const std::vector<std::string> memory{"--object-store-memory", "10000"};
  const auto with = [&memory](std::vector<std::string> more) {
    more.insert(more.begin(), memory.begin(), memory.end());
    return RefusalOf(more);
  };
  EXPECT_NE(RefusalOf({}).find("--object-store-memory is required"), std::string::npos);
  EXPECT_NE(with({"--resource", "disk"}).find("expected NAME=AMOUNT, got 'disk'"),
            std::string::npos);
  EXPECT_NE(with({"--num-cpus", "-1"}).find("--num-cpus"), std::string::npos);
  EXPECT_NE(with({"--resource", "disk=many"}).find("rayx-node: "), std::string::npos);
}

TEST(NodeCommandLineTest, HelpEndsWell) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(Read({"--help"}).exit_code, 0);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("--num-cpus"), std::string::npos);
}

}  // namespace
}  // namespace rayx::command_lines
