#include "common/process/shared_leftovers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "common/process/process_tree.h"

namespace rayx {
namespace {

namespace fs = std::filesystem;

// multiprocessing's segments and semaphores, joblib's semaphores and folders, PyTorch's segments,
// NCCL's.
constexpr std::array<std::string_view, 6> kTemporary = {
    "psm_", "sem.mp-", "sem.loky-", "joblib_memmapping_folder_", "torch_", "nccl-"};

bool IsTemporary(std::string_view name) {
  return std::any_of(kTemporary.begin(), kTemporary.end(),
                     [name](std::string_view start) { return name.starts_with(start); });
}

bool HasTemporary(const std::string& directory) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    if (IsTemporary(entry.path().filename().string())) return true;
  }
  return false;
}

std::vector<pid_t> AllProcesses() {
  std::vector<pid_t> pids;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) pids.push_back(pid);
  }
  return pids;
}

}  // namespace

std::string SharedLeftovers::EntryIn(std::string_view line) const {
  constexpr std::string_view kDeleted = " (deleted)";
  const std::string prefix = " " + directory_ + "/";
  const size_t place = line.find(prefix);
  if (place == line.npos || line.ends_with(kDeleted)) return "";
  const std::string_view path = line.substr(place + prefix.size());
  const std::string_view name = path.substr(0, path.find('/'));
  return IsTemporary(name) ? std::string(name) : "";
}

std::set<std::string> SharedLeftovers::MappedBy(pid_t pid) const {
  std::set<std::string> mapped;
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::string entry = EntryIn(line);
    if (!entry.empty()) mapped.insert(entry);
  }
  return mapped;
}

void SharedLeftovers::NoteTree(pid_t root) {
  if (!HasTemporary(directory_)) return;
  std::vector<pid_t> pids = Descendants(root);
  pids.push_back(root);
  for (const pid_t pid : pids) noted_.merge(MappedBy(pid));
}

void SharedLeftovers::Remove() {
  std::error_code ignored;
  std::erase_if(noted_, [&](const std::string& name) {
    return !fs::exists(fs::symlink_status(directory_ + "/" + name, ignored));
  });
  if (noted_.empty()) return;
  for (const pid_t pid : AllProcesses()) {
    for (const std::string& name : MappedBy(pid)) noted_.erase(name);
  }
  for (const std::string& name : noted_) fs::remove_all(directory_ + "/" + name, ignored);
  noted_.clear();
}

}  // namespace rayx
