// rayx-global-scheduler: says which node of a cluster runs what its own node cannot.
#include <CLI/CLI.hpp>

#include "common/base/log.h"
#include "global_scheduler/run_global_scheduler.h"

int main(int argc, char** argv) {
  rayx::global_scheduler::GlobalSchedulerOptions options;
  bool verbose = false;
  CLI::App app{
      "rayx-global-scheduler: says which node of a cluster runs what its own node cannot.\n"
      "Started by rayx-supervisor; rarely by hand. Ends on SIGTERM, prints its state to the log on "
      "SIGUSR1."};
  app.add_option("--session-dir", options.session_dir,
                 "Private directory (mode 0700) of the session; it listens at scheduler.sock in it")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_flag("--complete", options.complete,
               "No further nodes will join: what none of them could run fails");
  app.add_flag("--verbose", verbose, "Log at level debug");
  CLI11_PARSE(app, argc, argv);
  rayx::StartLog("global-scheduler", verbose ? rayx::LogLevel::kDebug : rayx::LogLevel::kInfo);
  return rayx::global_scheduler::RunGlobalScheduler(options);
}
