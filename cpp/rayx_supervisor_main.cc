// rayx-supervisor: starts the processes of a session and leaves nothing behind when it ends.
#include "command_lines/supervisor_command_line.h"
#include "common/base/log.h"
#include "daemon/run_processes.h"

int main(int argc, char** argv) {
  const auto read = rayx::command_lines::ReadSupervisorCommandLine(argc, argv);
  if (read.exit_code) return *read.exit_code;
  rayx::StartLog("supervisor", rayx::LogLevel::kInfo);
  return rayx::daemon::RunSupervisor(read.options);
}
