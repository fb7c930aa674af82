// The files of a session: one private directory.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"

namespace rayx::daemon {

// Writes a file that only we can read. The directory is private, so an existing file is our own
// mistake.
Status WritePrivateFile(const std::string& path, std::string_view text);
// Makes a directory that only we can enter.
Status MakePrivateDirectory(const std::string& path);
// The same, but one that is there already may be used if it is ours and closed to other users. On
// some file systems modes mean nothing; a directory there is refused.
Status MakeSessionDirectory(const std::string& path);

// Removes the session's directory; its logs stay if `keep_logs`. What is gone already is no
// failure.
void RemoveSessionFiles(const std::string& session_dir, bool keep_logs);

}  // namespace rayx::daemon
