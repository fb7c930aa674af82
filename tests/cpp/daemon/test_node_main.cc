// rayx-node with its tables in memory: a node alone, without control servers.
#include "command_lines/node_command_line.h"
#include "common/base/log.h"
#include "control/memory_tables.h"
#include "daemon/run_processes.h"

int main(int argc, char** argv) {
  const auto read = rayx::command_lines::ReadNodeCommandLine(argc, argv);
  if (read.exit_code) return *read.exit_code;
  rayx::StartLog("node", rayx::LogLevel::kInfo);
  return rayx::daemon::RunNode(
      read.options, [](auto*, const auto&) { return rayx::control::MakeMemoryTables(); });
}
