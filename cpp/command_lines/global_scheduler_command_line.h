// The command line of rayx-global-scheduler.
#pragma once

#include <optional>

#include "global_scheduler/run_global_scheduler.h"

namespace rayx::command_lines {

struct GlobalSchedulerCommandLine {
  global_scheduler::GlobalSchedulerOptions options;
  bool verbose = false;
  // Set if the program ends here, with this code: its help was printed, or what is wrong.
  std::optional<int> exit_code;
};

GlobalSchedulerCommandLine ReadGlobalSchedulerCommandLine(int argc, char** argv);

}  // namespace rayx::command_lines
