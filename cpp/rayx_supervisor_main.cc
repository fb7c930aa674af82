// rayx-supervisor: starts the processes of a session and leaves nothing behind when it ends.
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "daemon/run_processes.h"

int main(int argc, char** argv) {
  rayx::daemon::SupervisorOptions options;
  CLI::App app{
      "rayx-supervisor: starts the control servers and the node daemon of a session, and ends all "
      "of them,\n"
      "with everything they started, when the driver ends. Started by rayx.init() and `rayx "
      "start`."};
  app.add_option("--session-dir", options.session_dir,
                 "Private directory (mode 0700) of the session; made if it is not there, removed "
                 "at the end")
      ->required();
  app.add_option(
         "--lifeline-fd", options.lifeline_fd,
         "Stream to the driver: one line 'ready' or 'error <why>' is written to it, and the "
         "session ends when it closes")
      ->required();
  app.add_option("--driver-pid", options.driver_pid, "The session ends when this process does");
  app.add_option("--redis-server", options.redis_server, "Program of the control server")
      ->required();
  app.add_option("--redis-shards", options.redis_shards,
                 "Control servers beside the primary, over which tasks and objects are spread")
      ->check(CLI::Range(0, 64));
  app.add_flag("--redirect-output", options.redirect_output,
               "Workers' output goes to files in <session-dir>/logs, which are kept");
  app.add_flag("--standing", options.standing,
               "The session belongs to no driver: processes of it that die are started again, and "
               "it ends on SIGTERM. 'ready <port>' is answered by 'keep' on the lifeline, and that "
               "by 'kept'");
  app.add_option("--address", options.address,
                 "Of a standing session: the address of this machine by which it is known");
  app.add_option("--port", options.port, "The port of it that is held; 0: one that is free");
  app.add_option("--record", options.record,
                 "The file by which others find the standing session; removed at its end");
  app.add_flag("--complete", options.complete,
               "Of a standing session: no further nodes will join, so that what none of them could "
               "run fails");
  app.allow_extras();
  app.footer("Arguments after -- are given to rayx-node; see rayx-node --help.");
  CLI11_PARSE(app, argc, argv);
  options.node_arguments = app.remaining();
  if (!options.node_arguments.empty() && options.node_arguments.front() == "--") {
    options.node_arguments.erase(options.node_arguments.begin());
  }
  rayx::StartLog("supervisor", rayx::LogLevel::kInfo);
  return rayx::daemon::RunSupervisor(options);
}
