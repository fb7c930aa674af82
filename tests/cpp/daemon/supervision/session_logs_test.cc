#include "daemon/supervision/session_logs.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "daemon/test_process.h"

namespace rayx::daemon {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMax = 1000;

class SessionLogsTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return scratch_.path() + "/" + name; }
  std::string Text(const std::string& name) const {
    std::ifstream file(Path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Writes lines with numbers from `first` on, 10 bytes each; what was written.
  static std::string Write(const ScopedFd& log, int first, int count) {
    std::string text;
    for (int number = first; number < first + count; ++number) {
      text += "line " + std::to_string(1000 + number) + "\n";
    }
    EXPECT_EQ(::write(log.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    return text;
  }

  ScratchDirectory scratch_;
  SessionLogs logs_{scratch_.path(), kMax};
};

TEST_F(SessionLogsTest, WhatIsNotTooLargeStays) {
  const auto log = logs_.Open("node");
  ASSERT_TRUE(log.ok());
  const std::string text = Write(*log, 0, 100);
  ASSERT_EQ(text.size(), kMax);
  logs_.Trim();
  EXPECT_EQ(Text("node.log"), text);
  EXPECT_FALSE(fs::exists(Path("node.log.1")));
}

TEST_F(SessionLogsTest, WhoHoldsTheFileGoesOnInANewOneAndNothingIsLost) {
  const auto log = logs_.Open("node");
  ASSERT_TRUE(log.ok());
  const std::string first = Write(*log, 0, 101);
  logs_.Trim();
  EXPECT_EQ(Text("node.log"), "");
  EXPECT_EQ(Text("node.log.1"), first);
  const std::string second = Write(*log, 101, 101);
  EXPECT_EQ(Text("node.log"), second);  // without a hole before it
  logs_.Trim();
  EXPECT_EQ(Text("node.log.1"), second);
  EXPECT_EQ(Text("node.log"), "");
}

TEST_F(SessionLogsTest, HoweverMuchIsWrittenTwiceTheSizeIsKept) {
  const auto log = logs_.Open("node");
  const auto other = logs_.Open("control-0");
  ASSERT_TRUE(log.ok() && other.ok());
  for (int round = 0; round < 50; ++round) {
    Write(*log, 0, 300);
    logs_.Trim();
    EXPECT_LE(fs::file_size(Path("node.log")) + fs::file_size(Path("node.log.1")), 2 * kMax);
  }
  // Whole lines of the end.
  EXPECT_EQ(Text("node.log.1").substr(0, 5), "line ");
  EXPECT_EQ(Text("node.log.1").substr(fs::file_size(Path("node.log.1")) - 10), "line 1299\n");
  EXPECT_FALSE(fs::exists(Path("control-0.log.1")));
}

TEST_F(SessionLogsTest, TheEndOfALogThatWasJustMovedIsToldAll) {
  const auto log = logs_.Open("node");
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(logs_.Tail("node"), "");
  EXPECT_EQ(logs_.Tail("nobody"), "");
  Write(*log, 0, 101);
  logs_.Trim();
  Write(*log, 101, 2);
  const std::string tail = logs_.Tail("node");
  EXPECT_EQ(tail.substr(0, 10), "line 1000\n");
  EXPECT_EQ(tail.substr(tail.size() - 29), "line 1100\nline 1101\nline 1102");
}

TEST_F(SessionLogsTest, OnlyWeCanReadThem) {
  const mode_t before = ::umask(0777);
  const auto log = logs_.Open("node");
  ASSERT_TRUE(log.ok());
  Write(*log, 0, 101);
  logs_.Trim();
  ::umask(before);
  for (const char* name : {"node.log", "node.log.1"}) {
    EXPECT_EQ(fs::status(Path(name)).permissions(), fs::perms(0600)) << name;
  }
}

TEST_F(SessionLogsTest, WhatCannotBeCopiedDoesNotGrow) {
  const auto log = logs_.Open("node");
  ASSERT_TRUE(log.ok());
  fs::create_directory(Path("node.log.1"));
  Write(*log, 0, 101);
  ::testing::internal::CaptureStderr();
  logs_.Trim();
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("is lost"), std::string::npos);
  EXPECT_EQ(Text("node.log"), "");
}

}  // namespace
}  // namespace rayx::daemon
