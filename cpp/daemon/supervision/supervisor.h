// The supervisor of a session: starts the control servers and the node daemon, and leaves nothing
// behind when they, or the driver, end.
//
//   Starting ──node says ready──▶ Running ──(driver gone, server or node dead, SIGTERM)──▶ Ending
//       └───────────(a process ends before that)─────────────────────────────────────────▶
//
// It does nothing else, so that it has little to fail by. Everything the session starts is below
// it: it is a subreaper, so even processes that detached themselves (double fork, setsid) come back
// to it and are killed. It holds on to the driver by a stream (the lifeline) and by the driver's
// process descriptor, since forked children of the driver may keep the stream open.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "common/os/scoped_fd.h"

namespace rayx::daemon {

struct SupervisorOptions {
  // The session's private directory. The supervisor makes and removes it, since a driver that is
  // killed would leave it.
  std::string session_dir;
  // Our end of the stream to the driver. We write one line to it: "ready", or "error <why>".
  int lifeline_fd = -1;
  pid_t driver_pid = 0;
  // The control server's program and the number of shards beside the primary.
  std::string redis_server;
  int redis_shards = 0;
  // Keep <session_dir>/logs at the end, and have workers write to files there.
  bool redirect_output = false;
  std::string node_program;
  std::vector<std::string> node_arguments;
};

class Supervisor {
 public:
  Supervisor(EventLoop* loop, SupervisorOptions options);
  ~Supervisor();

  // Starts everything. On failure the caller must call ReportError and End.
  Status Start();
  // Ends everything below, removes the session's files, then stops the loop.
  void End(const std::string& reason);
  // Tells the driver why there is no session, or why it ends.
  void ReportError(const std::string& text);

 private:
  Status PrepareDirectory();
  Status StartControlServers();
  Status StartNode();
  Status WatchDriver();
  void OnDriverGone();
  void OnNodeSpoke();
  void ReapChildren();
  void OnChildEnded(pid_t pid, int wait_status);
  // Writes the reason for drivers that have joined, before anything is ended.
  void TellWhy(const std::string& reason) const;
  std::string LogTail(const std::string& name) const;
  Result<ScopedFd> OpenLog(const std::string& name) const;

  EventLoop* loop_;
  SupervisorOptions options_;
  std::vector<std::string> control_sockets_;
  std::string password_file_;
  std::vector<pid_t> control_pids_;
  pid_t node_pid_ = 0;
  ScopedFd node_stream_;
  bool reported_ = false;
  bool ending_ = false;
  // The directory is ours to remove.
  bool has_directory_ = false;
  ScopedFd driver_pid_fd_;
  std::unique_ptr<EventLoop::Watcher> driver_watch_;
  std::unique_ptr<EventLoop::Watcher> lifeline_watch_;
  std::unique_ptr<EventLoop::Watcher> node_watch_;
};

}  // namespace rayx::daemon
