// The files of a session: one private directory.
#pragma once

#include <string>

namespace rayx::daemon {

// Removes the session's directory; its logs stay if `keep_logs`. What is gone already is no
// failure.
void RemoveSessionFiles(const std::string& session_dir, bool keep_logs);

}  // namespace rayx::daemon
