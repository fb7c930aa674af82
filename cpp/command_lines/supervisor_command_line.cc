#include "command_lines/supervisor_command_line.h"

#include <CLI/CLI.hpp>

namespace rayx::command_lines {

SupervisorCommandLine ReadSupervisorCommandLine(int argc, char** argv) {
  SupervisorCommandLine read;
  CLI::App app{
      "rayx-supervisor: starts the control servers and the node daemon of a session, and ends all "
      "of them,\n"
      "with everything they started, when the driver ends. Started by rayx.init() and `rayx "
      "start`."};
  app.add_option("--session-dir", read.options.session_dir,
                 "Private directory (mode 0700) of the session; made if it is not there, removed "
                 "at the end")
      ->required();
  app.add_option(
         "--lifeline-fd", read.options.lifeline_fd,
         "Stream to the driver: one line 'ready' or 'error <why>' is written to it, and the "
         "session ends when it closes")
      ->required();
  app.add_option("--driver-pid", read.options.driver_pid,
                 "The session ends when this process does");
  app.add_option("--redis-server", read.options.redis_server, "Program of the control server")
      ->required();
  app.add_option("--redis-shards", read.options.redis_shards,
                 "Control servers beside the primary, over which tasks and objects are spread")
      ->check(CLI::Range(0, 64));
  app.add_flag("--redirect-output", read.options.redirect_output,
               "Workers' output goes to files in <session-dir>/logs, which are kept");
  app.add_flag("--standing", read.options.standing,
               "The session belongs to no driver: processes of it that die are started again, and "
               "it ends on SIGTERM. 'ready <port>' is answered by 'keep' on the lifeline, and that "
               "by 'kept'");
  app.add_option("--address", read.options.address,
                 "Of a standing session: the address of this machine by which it is known");
  app.add_option("--port", read.options.port, "The port of it that is held; 0: one that is free");
  app.add_option(
      "--key-file", read.options.key_file,
      "Of a standing session that is part of a cluster: the file with the cluster's key");
  app.add_flag("--insecure", read.options.insecure,
               "The cluster has no key: nothing is encrypted, and whoever reaches the port is let "
               "in");
  app.add_option("--python-version", read.options.python_version,
                 "That of the workers, as in 3.11, which all nodes of a cluster must have");
  app.add_option("--join", read.options.join,
                 "HOST:PORT of the head of the cluster that the session's node joins");
  app.add_option("--record", read.options.record,
                 "The file by which others find the standing session; removed at its end");
  app.add_flag("--complete", read.options.complete,
               "Of a standing session: no further nodes will join, so that what none of them could "
               "run fails");
  app.allow_extras();
  app.footer("Arguments after -- are given to rayx-node; see rayx-node --help.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    read.exit_code = app.exit(error);
  }
  read.options.node_arguments = app.remaining();
  if (!read.options.node_arguments.empty() && read.options.node_arguments.front() == "--") {
    read.options.node_arguments.erase(read.options.node_arguments.begin());
  }
  return read;
}

}  // namespace rayx::command_lines
