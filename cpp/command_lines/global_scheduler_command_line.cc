#include "command_lines/global_scheduler_command_line.h"

#include "command_lines/option_reader.h"

namespace rayx::command_lines {

GlobalSchedulerCommandLine ReadGlobalSchedulerCommandLine(int argc, char** argv) {
  GlobalSchedulerCommandLine read;
  OptionReader reader(
      "rayx-global-scheduler",
      "says which node of a cluster runs what its own node cannot.\n"
      "Started by rayx-supervisor; rarely by hand. Ends on SIGTERM, prints its state to the log on "
      "SIGUSR1.");
  reader.AddRequired(
      "--session-dir", &read.options.session_dir,
      "Private directory (mode 0700) of the session; it listens at scheduler.sock in it");
  reader.Add("--complete", &read.options.complete,
             "No further nodes will join: what none of them could run fails");
  reader.Add("--verbose", &read.verbose, "Log at level debug");
  read.exit_code = reader.Read(argc, argv);
  if (!read.exit_code && !IsDirectory(read.options.session_dir)) {
    read.exit_code = reader.Refuse("no directory: " + read.options.session_dir);
  }
  return read;
}

}  // namespace rayx::command_lines
