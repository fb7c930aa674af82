#include "daemon/test_process.h"

#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <vector>

namespace rayx {
namespace {

// The fields of /proc/<pid>/stat after the name; empty if there is no such process.
std::vector<std::string> StatFields(pid_t pid) {
  const std::string text = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  return {std::istream_iterator<std::string>(rest), std::istream_iterator<std::string>()};
}

}  // namespace

bool WaitUntil(const std::function<bool()>& condition, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    // Processes tell nobody what is asked here; a short pause between two looks.
    ::poll(nullptr, 0, 2);
  }
  return true;
}

bool IsAlive(pid_t pid) {
  const std::vector<std::string> fields = StatFields(pid);
  return !fields.empty() && fields[0] != "Z" && fields[0] != "X";
}

size_t FdCountOf(pid_t pid) {
  size_t count = 0;
  std::error_code ignored;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", ignored)) {
    ++count;
  }
  return count;
}

size_t RssBytesOf(pid_t pid) {
  const std::vector<std::string> fields = StatFields(pid);
  return fields.size() < 22 ? 0 : std::stoul(fields[21]) * static_cast<size_t>(::getpagesize());
}

long CpuTicksOf(pid_t pid) {
  const std::vector<std::string> fields = StatFields(pid);
  return fields.size() < 13 ? 0 : std::stol(fields[11]) + std::stol(fields[12]);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

ScratchDirectory::ScratchDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "rayx-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace rayx
