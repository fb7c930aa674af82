// rayx-node: the daemon of one machine. Object store, local scheduler and worker pool on one loop.
#include "command_lines/node_command_line.h"
#include "common/base/log.h"
#include "daemon/run_processes.h"

// Read by jemalloc, before main: one thread needs one arena, and what is unused for a second goes
// back to the operating system, by a thread of jemalloc's, whether or not the node has work.
extern "C" {
const char* malloc_conf = "narenas:1,background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";
}

int main(int argc, char** argv) {
  const auto read = rayx::command_lines::ReadNodeCommandLine(argc, argv);
  if (read.exit_code) return *read.exit_code;
  rayx::StartLog("node", read.verbose ? rayx::LogLevel::kDebug : rayx::LogLevel::kInfo);
  return rayx::daemon::RunNode(read.options);
}
