#include "global_scheduler/run_global_scheduler.h"

#include <csignal>

#include "common/base/log.h"
#include "common/io/event_loop.h"
#include "global_scheduler/scheduler_server.h"

namespace rayx::global_scheduler {

int RunGlobalScheduler(const GlobalSchedulerOptions& options) {
  // A peer that closes is told by the error of the write itself.
  std::signal(SIGPIPE, SIG_IGN);
  EventLoop loop;
  SchedulerServer server(&loop, {.complete = options.complete});
  loop.OnSignal(SIGTERM, [&loop] { loop.Stop(); });
  loop.OnSignal(SIGUSR1, [&server] { LogInfo(server.DebugText()); });
  const Status listening = server.Listen(options.session_dir + "/scheduler.sock");
  if (!listening.ok()) {
    LogError("the global scheduler cannot start: " + listening.message());
    return 1;
  }
  loop.Run([&server] { return server.OnTurn(); });
  return 0;
}

}  // namespace rayx::global_scheduler
