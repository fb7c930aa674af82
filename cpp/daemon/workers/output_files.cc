#include "daemon/workers/output_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/log.h"

namespace rayx::daemon {
namespace {

std::string NameOf(pid_t pid, bool is_stderr) {
  return "worker-" + std::to_string(pid) + (is_stderr ? ".err" : ".out");
}

}  // namespace

void OutputFiles::Append(pid_t pid, bool is_stderr, const std::string& lines) {
  const std::string name = NameOf(pid, is_stderr);
  ScopedFd& file = files_[name];
  if (!file.valid()) {
    const std::string path = directory_ + "/" + name;
    file.Reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    // chmod as well: the umask may have taken our own rights.
    if (!file.valid() || ::fchmod(file.get(), 0600) != 0) {
      file.Reset();
      LogWarning("output of worker " + std::to_string(pid) + " is lost: open " + path + ": " +
                 std::strerror(errno));
      return;
    }
  }
  const std::string text = lines + "\n";
  for (size_t written = 0; written < text.size();) {
    const ssize_t count = ::write(file.get(), text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      LogWarning("output of worker " + std::to_string(pid) + " is lost: " + std::strerror(errno));
      return;
    }
    written += static_cast<size_t>(count);
  }
}

void OutputFiles::Forget(pid_t pid) {
  files_.erase(NameOf(pid, false));
  files_.erase(NameOf(pid, true));
}

}  // namespace rayx::daemon
