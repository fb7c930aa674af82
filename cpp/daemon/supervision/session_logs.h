// The logs of a session's processes: files to which they append, and which do not grow without
// bound.
//
//     logs/node.log      what the process writes now
//     logs/node.log.1    what it wrote before
//
// The processes hold their files open, so these keep their names: when one has become too large,
// what is in it is copied into the other file, in place of what was there, and it begins anew.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/os/scoped_fd.h"

namespace rayx::daemon {

class SessionLogs {
 public:
  // A file that has more is moved by Trim. With what was moved, a log takes twice as much, and what
  // its process writes between two calls of Trim.
  static constexpr uint64_t kFileBytesMax = 8u << 20;
  static constexpr int64_t kTrimMs = 5000;

  explicit SessionLogs(std::string directory, uint64_t file_bytes_max = kFileBytesMax)
      : directory_(std::move(directory)), file_bytes_max_(file_bytes_max) {}

  // A descriptor that appends to <name>.log, for a process. Only we can read the file.
  Result<ScopedFd> Open(const std::string& name);
  // The end of what <name> has written, without the last line's end; "" if that is nothing.
  std::string Tail(std::string_view name) const;
  // Moves what the files have that are too large: of one that is very large, the end. What cannot
  // be copied is lost. Whoever writes at that moment may lose a line.
  void Trim() const;

 private:
  std::string PathOf(std::string_view name) const;
  void TrimFile(const std::string& path) const;

  const std::string directory_;
  const uint64_t file_bytes_max_;
  std::set<std::string> names_;
};

}  // namespace rayx::daemon
