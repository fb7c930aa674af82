#include "daemon/node_options.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace rayx::daemon {

Status TellSupervisor(const NodeOptions& options, const std::string& line) {
  if (options.lifeline_fd < 0) return Status::Ok();
  std::string text = line;
  std::replace(text.begin(), text.end(), '\n', ' ');
  text += '\n';
  if (::write(options.lifeline_fd, text.data(), text.size()) >= 0) return Status::Ok();
  return Status::FromErrno("telling the supervisor '" + line + "'", errno);
}

}  // namespace rayx::daemon
