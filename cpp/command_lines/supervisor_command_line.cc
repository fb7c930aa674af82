#include "command_lines/supervisor_command_line.h"

#include <string>

#include "command_lines/option_reader.h"

namespace rayx::command_lines {
namespace {

constexpr int kShardsMax = 64;

}  // namespace

SupervisorCommandLine ReadSupervisorCommandLine(int argc, char** argv) {
  SupervisorCommandLine read;
  OptionReader reader(
      "rayx-supervisor",
      "starts the control servers and the node daemon of a session, and ends all "
      "of them,\n"
      "with everything they started, when the driver ends. Started by rayx.init() and `rayx "
      "start`.");
  reader.AddRequired("--session-dir", &read.options.session_dir,
                     "Private directory (mode 0700) of the session; made if it is not there, "
                     "removed at the end");
  reader.AddRequired(
      "--lifeline-fd", &read.options.lifeline_fd,
      "Stream to the driver: one line 'ready' or 'error <why>' is written to it, and the "
      "session ends when it closes");
  reader.Add("--driver-pid", &read.options.driver_pid, "The session ends when this process does");
  reader.AddRequired("--redis-server", &read.options.redis_server, "Program of the control server");
  reader.Add("--redis-shards", &read.options.redis_shards,
             "Control servers beside the primary, over which tasks and objects are spread");
  reader.Add("--redirect-output", &read.options.redirect_output,
             "Workers' output goes to files in <session-dir>/logs, which are kept");
  reader.Add("--standing", &read.options.standing,
             "The session belongs to no driver: processes of it that die are started again, and "
             "it ends on SIGTERM. 'ready <port>' is answered by 'keep' on the lifeline, and that "
             "by 'kept'");
  reader.Add("--address", &read.options.address,
             "Of a standing session: the address of this machine by which it is known");
  reader.Add("--port", &read.options.port, "The port of it that is held; 0: one that is free");
  reader.Add("--key-file", &read.options.key_file,
             "Of a standing session that is part of a cluster: the file with the cluster's key");
  reader.Add("--insecure", &read.options.insecure,
             "The cluster has no key: nothing is encrypted, and whoever reaches the port is let "
             "in");
  reader.Add("--python-version", &read.options.python_version,
             "That of the workers, as in 3.11, which all nodes of a cluster must have");
  reader.Add("--join", &read.options.join,
             "HOST:PORT of the head of the cluster that the session's node joins");
  reader.Add("--record", &read.options.record,
             "The file by which others find the standing session; removed at its end");
  reader.Add("--complete", &read.options.complete,
             "Of a standing session: no further nodes will join, so that what none of them could "
             "run fails");
  reader.AddRest(&read.options.node_arguments,
                 "Arguments after -- are given to rayx-node; see rayx-node --help.");
  read.exit_code = reader.Read(argc, argv);
  if (!read.exit_code &&
      (read.options.redis_shards < 0 || read.options.redis_shards > kShardsMax)) {
    read.exit_code =
        reader.Refuse("--redis-shards has to be between 0 and " + std::to_string(kShardsMax));
  }
  return read;
}

}  // namespace rayx::command_lines
