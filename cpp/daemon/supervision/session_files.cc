#include "daemon/supervision/session_files.h"

#include <filesystem>
#include <system_error>

namespace rayx::daemon {

void RemoveSessionFiles(const std::string& session_dir, bool keep_logs) {
  std::error_code ignored;
  if (!keep_logs) {
    std::filesystem::remove_all(session_dir, ignored);
    return;
  }
  for (const auto& entry : std::filesystem::directory_iterator(session_dir, ignored)) {
    if (entry.path().filename() != "logs") std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace rayx::daemon
