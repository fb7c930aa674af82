// The command line of rayx-supervisor.
#pragma once

#include <optional>

#include "daemon/supervision/supervisor.h"

namespace rayx::daemon {

struct SupervisorCommandLine {
  SupervisorOptions options;
  // Set if the program ends here, with this code: its help was printed, or what is wrong.
  std::optional<int> exit_code;
};

SupervisorCommandLine ReadSupervisorCommandLine(int argc, char** argv);

}  // namespace rayx::daemon
