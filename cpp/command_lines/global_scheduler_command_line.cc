#include "command_lines/global_scheduler_command_line.h"

#include <CLI/CLI.hpp>

namespace rayx::command_lines {

GlobalSchedulerCommandLine ReadGlobalSchedulerCommandLine(int argc, char** argv) {
  GlobalSchedulerCommandLine read;
  CLI::App app{
      "rayx-global-scheduler: says which node of a cluster runs what its own node cannot.\n"
      "Started by rayx-supervisor; rarely by hand. Ends on SIGTERM, prints its state to the log on "
      "SIGUSR1."};
  app.add_option("--session-dir", read.options.session_dir,
                 "Private directory (mode 0700) of the session; it listens at scheduler.sock in it")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_flag("--complete", read.options.complete,
               "No further nodes will join: what none of them could run fails");
  app.add_flag("--verbose", read.verbose, "Log at level debug");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    read.exit_code = app.exit(error);
  }
  return read;
}

}  // namespace rayx::command_lines
