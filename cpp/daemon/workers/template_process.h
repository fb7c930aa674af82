// The worker template: a Python process, imports done, that forks workers when asked.
//
//   Starting ──TemplateReady──▶ Ready ──(ended)──▶ ended
//      └──────────────(ended)─────────────────────────▲
//
// A template that has ended is started again by the next request for a worker. While requests fail,
// the scheduler decides how often to make them (scheduler/tables/start_backoff.h).
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "daemon/messages/message_writer.h"
#include "daemon/workers/line_pipe.h"
#include "daemon/workers/line_tail.h"

namespace rayx::daemon {

class TemplateProcess {
 public:
  struct Events {
    // pid -1: fork failed with `error_number`.
    std::function<void(WorkerNumber number, pid_t pid, int error_number)> on_forked;
    std::function<void(pid_t pid, int wait_status)> on_worker_exited;
    // The template has ended, and all its workers with it. `description` says how, with the last
    // lines it printed.
    std::function<void(const std::string& description)> on_ended;
  };

  // `command` is the template's program and arguments; "--fd N" is appended.
  TemplateProcess(EventLoop* loop, MessageWriter* writer, std::vector<std::string> command,
                  Events events);
  ~TemplateProcess();

  Status Start();
  // Asks for a fork; `fds` are the worker's four descriptors. Queued until the template reads.
  void RequestFork(WorkerNumber number, std::vector<ScopedFd> fds);
  // Our child `pid` has ended (from SIGCHLD). False if it is not the template.
  bool OnChildExited(pid_t pid, int wait_status);
  // Writes what is queued. To be called once a turn.
  void Flush();
  pid_t pid() const { return pid_; }
  bool running() const { return pid_ > 0; }

 private:
  void OnFrames();
  bool HandleFrame(const Frame& frame);
  void OnDisconnected(const Status& reason);

  EventLoop* loop_;
  MessageWriter* writer_;
  std::vector<std::string> command_;
  Events events_;
  pid_t pid_ = 0;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<LinePipe> output_;
  LineTail tail_;
};

}  // namespace rayx::daemon
