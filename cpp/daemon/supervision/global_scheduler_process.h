// The global scheduler of a standing session: started again whenever it ends, however often.
//
// No work depends on it: nodes go on with what they have, and tell the next one what is open. So
// its end is never the session's.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "daemon/supervision/respawn_policy.h"
#include "daemon/supervision/session_logs.h"

namespace rayx::daemon {

struct GlobalSchedulerCommand {
  std::string program;
  std::string session_dir;
  // No further nodes will join: what none of them could run fails.
  bool complete = false;
};

class GlobalSchedulerProcess {
 public:
  // Of the log.
  static constexpr char kName[] = "global-scheduler";
  // Before it is started again, when it has not lived long several times in a row.
  static constexpr int64_t kPauseMsMax = 1000;

  // `loop` and `logs` must outlive it.
  GlobalSchedulerProcess(EventLoop* loop, SessionLogs* logs, GlobalSchedulerCommand command);

  Status Start();
  // 0: it does not run now.
  pid_t pid() const { return pid_; }
  // The process has ended, and has been waited for.
  void OnEnded();
  // From now on it is not started again.
  void LeaveIt() { respawn_.reset(); }

 private:
  void Restart();

  EventLoop* const loop_;
  SessionLogs* const logs_;
  const GlobalSchedulerCommand command_;
  pid_t pid_ = 0;
  RespawnPolicy policy_;
  std::unique_ptr<EventLoop::Timer> respawn_;
};

}  // namespace rayx::daemon
