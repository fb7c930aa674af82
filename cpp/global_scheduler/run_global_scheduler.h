// The process, from its options to its end.
#pragma once

#include <string>

namespace rayx::global_scheduler {

struct GlobalSchedulerOptions {
  // The private directory of the session; nodes connect to scheduler.sock in it.
  std::string session_dir;
  // No further nodes will join: what none of them could run fails.
  bool complete = false;
};

// Runs until SIGTERM; returns the exit code. SIGUSR1 has it log its state. The log must have been
// started.
int RunGlobalScheduler(const GlobalSchedulerOptions& options);

}  // namespace rayx::global_scheduler
