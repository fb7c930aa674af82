#include "daemon/supervision/global_scheduler_process.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "common/base/log.h"
#include "common/os/scoped_fd.h"
#include "common/process/child_process.h"

namespace rayx::daemon {

GlobalSchedulerProcess::GlobalSchedulerProcess(EventLoop* loop, SessionLogs* logs,
                                               GlobalSchedulerCommand command)
    : loop_(loop), logs_(logs), command_(std::move(command)) {}

Status GlobalSchedulerProcess::Start() {
  Result<ScopedFd> log = logs_->Open(kName);
  if (!log.ok()) return log.status();
  SpawnOptions spawn;
  spawn.argv = {command_.program, "--session-dir", command_.session_dir};
  if (command_.complete) spawn.argv.push_back("--complete");
  spawn.fds = {{log->get(), STDOUT_FILENO}, {log->get(), STDERR_FILENO}};
  // It has nothing to clean up.
  spawn.parent_death_signal = SIGKILL;
  const Result<pid_t> pid = Spawn(spawn);
  if (!pid.ok()) return pid.status();
  pid_ = *pid;
  policy_.OnStarted(loop_->now_ms());
  return Status::Ok();
}

void GlobalSchedulerProcess::OnEnded() {
  pid_ = 0;
  const int64_t pause_ms =
      std::min(policy_.OnEnded(loop_->now_ms()).value_or(kPauseMsMax), kPauseMsMax);
  respawn_ = loop_->CallAt(loop_->now_ms() + pause_ms, [this] { Restart(); });
}

// Not to be started is as not to live long.
void GlobalSchedulerProcess::Restart() {
  const Status started = Start();
  if (started.ok()) return;
  LogError("the global scheduler cannot be started: " + started.message());
  OnEnded();
}

}  // namespace rayx::daemon
