// rayx-global-scheduler: says which node of a cluster runs what its own node cannot.
#include "command_lines/global_scheduler_command_line.h"
#include "common/base/log.h"
#include "global_scheduler/run_global_scheduler.h"

int main(int argc, char** argv) {
  const auto read = rayx::command_lines::ReadGlobalSchedulerCommandLine(argc, argv);
  if (read.exit_code) return *read.exit_code;
  rayx::StartLog("global-scheduler", read.verbose ? rayx::LogLevel::kDebug : rayx::LogLevel::kInfo);
  return rayx::global_scheduler::RunGlobalScheduler(read.options);
}
