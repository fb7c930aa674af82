// Workers' output in files of the session's log directory, for redirect_output.
#pragma once

#include <sys/types.h>

#include <string>
#include <unordered_map>

#include "common/os/scoped_fd.h"

namespace rayx::daemon {

class OutputFiles {
 public:
  explicit OutputFiles(std::string directory) : directory_(std::move(directory)) {}

  // Appends the lines to <directory>/worker-<pid>.out or .err. What cannot be written is lost, with
  // one line of log.
  void Append(pid_t pid, bool is_stderr, const std::string& lines);
  // The worker is gone; its files stay, their descriptors do not.
  void Forget(pid_t pid);

 private:
  std::string directory_;
  std::unordered_map<std::string, ScopedFd> files_;
};

}  // namespace rayx::daemon
