// The command line of rayx-node.
#pragma once

#include <optional>

#include "daemon/node_options.h"

namespace rayx::command_lines {

struct NodeCommandLine {
  daemon::NodeOptions options;
  bool verbose = false;
  // Set if the program ends here, with this code: its help was printed, or what is wrong.
  std::optional<int> exit_code;
};

NodeCommandLine ReadNodeCommandLine(int argc, char** argv);

}  // namespace rayx::command_lines
