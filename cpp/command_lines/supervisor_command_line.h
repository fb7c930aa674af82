// The command line of rayx-supervisor.
#pragma once

#include <optional>

#include "daemon/supervision/supervisor.h"

namespace rayx::command_lines {

struct SupervisorCommandLine {
  daemon::SupervisorOptions options;
  // Set if the program ends here, with this code: its help was printed, or what is wrong.
  std::optional<int> exit_code;
};

SupervisorCommandLine ReadSupervisorCommandLine(int argc, char** argv);

}  // namespace rayx::command_lines
