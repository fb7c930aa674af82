#include "daemon/supervision/session_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "daemon/test_process.h"

namespace rayx::daemon {
namespace {

namespace fs = std::filesystem;

// A session's directory with a log and a file in a subdirectory.
std::string MakeSession(const ScratchDirectory& scratch) {
  const std::string directory = scratch.path() + "/session";
  fs::create_directories(directory + "/logs");
  fs::create_directories(directory + "/control-0");
  std::ofstream(directory + "/logs/node.log") << "a line\n";
  std::ofstream(directory + "/control-0/redis.conf") << "secret\n";
  return directory;
}

TEST(RemoveSessionFiles, RemovesAll) {
  ScratchDirectory scratch;
  const std::string directory = MakeSession(scratch);
  RemoveSessionFiles(directory, false);
  EXPECT_FALSE(fs::exists(directory));
  RemoveSessionFiles(directory, false);
}

TEST(RemoveSessionFiles, KeepsTheLogsOnly) {
  ScratchDirectory scratch;
  const std::string directory = MakeSession(scratch);
  RemoveSessionFiles(directory, true);
  EXPECT_TRUE(fs::exists(directory + "/logs/node.log"));
  EXPECT_FALSE(fs::exists(directory + "/control-0"));
}

TEST(RemoveSessionFiles, DoesNotFollowLinks) {
  ScratchDirectory scratch;
  const std::string directory = MakeSession(scratch);
  const std::string outside = scratch.path() + "/outside";
  fs::create_directories(outside);
  std::ofstream(outside + "/precious") << "keep";
  fs::create_directory_symlink(outside, directory + "/link");
  RemoveSessionFiles(directory, false);
  EXPECT_TRUE(fs::exists(outside + "/precious"));
}

}  // namespace
}  // namespace rayx::daemon
