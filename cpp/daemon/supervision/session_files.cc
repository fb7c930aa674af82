#include "daemon/supervision/session_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/os/scoped_fd.h"

namespace rayx::daemon {

Status WritePrivateFile(const std::string& path, std::string_view text) {
  const ScopedFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid() || ::fchmod(file.get(), 0600) != 0) {
    return Status::FromErrno("creating " + path, errno);
  }
  for (size_t written = 0; written < text.size();) {
    const ssize_t count = ::write(file.get(), text.data() + written, text.size() - written);
    if (count < 0) return Status::FromErrno("writing " + path, errno);
    written += static_cast<size_t>(count);
  }
  return Status::Ok();
}

Status MakePrivateDirectory(const std::string& path) {
  // chmod as well: a umask of 0777 would leave us without access to our own directory.
  if (::mkdir(path.c_str(), 0700) != 0 || ::chmod(path.c_str(), 0700) != 0) {
    return Status::FromErrno("creating " + path, errno);
  }
  return Status::Ok();
}

Status MakeSessionDirectory(const std::string& path) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) {
    RAYX_RETURN_IF_ERROR(MakePrivateDirectory(path));
    if (::lstat(path.c_str(), &status) != 0) return Status::FromErrno("stat " + path, errno);
  }
  if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() ||
      (status.st_mode & 07777) != 0700) {
    return Status::IoError(path + " is not a private directory of ours");
  }
  return Status::Ok();
}

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
