// The supervisor of a session: starts the control servers and the node daemon, and leaves nothing
// behind when they, or the driver, end. A standing session has a global scheduler, too.
//
//   Starting ──node says ready──▶ Running ──(driver gone, server or node dead, SIGTERM)──▶ Ending
//       └───────────(a process ends before that)─────────────────────────────────────────▶
//
// A standing session belongs to no driver. The program that starts it takes it into its records and
// says so; from then on it ends on SIGINT only, if a process dies each time that it is started, or
// on SIGTERM, before which a node of a cluster is drained. One that is never kept (rayx.cluster)
// ends with the program, as a driver's does.
//
//   Starting ──node says ready──▶ Offered ──"keep"──▶ Standing ──(SIGINT, given up)──▶ Ending
//       └──────────(a process ends, or the starter)───▶ Ending    └─┐ ▲
//                                                    a process dies └─┘ and is started again
//
// It does nothing else, so that it has little to fail by. Everything the session starts is below
// it: it is a subreaper, so even processes that detached themselves (double fork, setsid) come back
// to it and are killed. It holds on to the driver by a stream (the lifeline) and by the driver's
// process descriptor, since forked children of the driver may keep the stream open.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "common/io/tcp_port.h"
#include "common/os/scoped_fd.h"
#include "daemon/supervision/global_scheduler_process.h"
#include "daemon/supervision/respawn_policy.h"
#include "daemon/supervision/session_logs.h"

namespace rayx::daemon {

struct SupervisorOptions {
  // The session's private directory. The supervisor makes and removes it, since a driver that is
  // killed would leave it.
  std::string session_dir;
  // The supervisor's end of the stream to the program that starts the session. The supervisor
  // writes one line to it: "ready", "error <why>", or "refused <why>" if the fault is with what was
  // asked for. Of a standing session it is "ready <port>"; "keep" is the answer, which is answered
  // by "kept" and the end of the stream.
  int lifeline_fd = -1;
  pid_t driver_pid = 0;
  // The control server's program and the number of shards beside the primary.
  std::string redis_server;
  int redis_shards = 0;
  // Keep <session_dir>/logs at the end, and have workers write to files there.
  bool redirect_output = false;
  std::string node_program;
  std::vector<std::string> node_arguments;

  // The session is a standing one, and holds a TCP port of this address, by which it is known. 0:
  // one that is free.
  bool standing = false;
  std::string address;
  uint16_t port = 0;
  // Of a standing session, whose node is one of several: the file with the cluster's key, or that
  // there is none (`insecure`: whoever reaches the port is let in). With neither, it is alone.
  std::string key_file;
  bool insecure = false;
  // "3.11", of the workers.
  std::string python_version;
  // The node joins the cluster whose head is at this HOST:PORT; the session has no control servers
  // of its own. Empty: it is the head.
  std::string join;
  // Of a standing session: the program of its global scheduler, and whether no further nodes will
  // join, so that what none of them could run fails.
  std::string global_scheduler_program;
  bool complete = false;
  // The file by which other programs find the session, which the program that starts it writes. It
  // is removed at the end; of a session that had to be given up it stays, and <record>.ended beside
  // it tells why.
  std::string record;
};

class Supervisor {
 public:
  Supervisor(EventLoop* loop, SupervisorOptions options);
  ~Supervisor();

  // Starts everything. On failure the caller must call ReportError and End.
  Status Start();
  // Ends everything below, removes the session's files, then stops the loop.
  void End(const std::string& reason);
  // Tells the program that starts the session why there is none, or why it ends.
  void ReportError(const Status& why);

 private:
  // A control server: the directory with its files, and the process that serves them now.
  struct ControlServer {
    std::string name;
    std::string directory;
    std::string socket;
    std::string config;
    pid_t pid = 0;
    RespawnPolicy policy;
    std::unique_ptr<EventLoop::Timer> respawn;
  };

  Status HoldAddress();
  Status PrepareDirectory();
  Status KeepFromCleaners();
  Status PrepareControlServers();
  Status StartControlServer(ControlServer* server);
  Status StartNode();
  Status StartGlobalScheduler();
  Status WatchDriver();
  void OnLifelineReadable();
  void OnDriverGone();
  // The program that has started the standing session has taken it into its records.
  void OnKept();
  void OnNodeSpoke();
  void OnNodeSaid(const std::string& word, const std::string& text);
  bool has_network() const { return !options_.key_file.empty() || options_.insecure; }
  std::vector<std::string> NetworkArguments(int port_fd) const;
  void ReapChildren();
  void OnChildEnded(pid_t pid, int wait_status);
  // Both: the process of a standing session is started again, or the session is given up.
  void OnNodeEnded(const std::string& text);
  void OnControlServerEnded(ControlServer* server, const std::string& text);
  void RestartNode();
  void RestartControlServer(ControlServer* server);
  void OnGlobalSchedulerEnded(int wait_status);
  void GiveUp(const std::string& text);
  // Everything that was below a node which has died, and its socket.
  void EndRemainsOfNode();
  // One of several takes leave of the others: they need not find out that it is gone.
  void LetNodeLeave();
  // SIGTERM: the node is drained if it is one of several and not the head, and the session ends
  // then. A second one ends it at once.
  void OnTerminated();
  void RemoveRecord(const std::string& reason);
  // For drivers: written before anything is ended. The file is there already, and drivers hold it
  // open.
  void Tell(const std::string& file, const std::string& reason) const;
  void Say(const std::string& line);
  // The end of the log of a process, to be told beside what became of it.
  std::string LogTail(const std::string& name) const;
  void TrimLogs();

  EventLoop* loop_;
  SupervisorOptions options_;
  std::string password_file_;
  SessionLogs logs_;
  std::unique_ptr<EventLoop::Timer> trim_;
  std::vector<std::unique_ptr<ControlServer>> control_servers_;
  // Of a standing session.
  std::unique_ptr<GlobalSchedulerProcess> global_scheduler_;
  pid_t node_pid_ = 0;
  ScopedFd node_stream_;
  // What it has said and not ended by a newline, and why it ends, if it has said so.
  std::string node_said_;
  std::string node_farewell_;
  RespawnPolicy node_policy_;
  std::unique_ptr<EventLoop::Timer> node_respawn_;
  HeldPort address_;
  // Of the head: the cluster has it for as long as the session lives.
  ClusterId cluster_;
  // Locked, so that what cleans up old temporary files leaves them alone.
  std::vector<ScopedFd> kept_directories_;
  bool reported_ = false;
  // The node is drained, as it says, or has been told to: it is not started again.
  bool draining_ = false;
  // The first SIGTERM has come.
  bool terminated_ = false;
  // A standing session that was kept.
  bool standing_ = false;
  // It ends because it was told to.
  bool wanted_ = false;
  bool ending_ = false;
  // The directory is ours to remove.
  bool has_directory_ = false;
  ScopedFd driver_pid_fd_;
  std::unique_ptr<EventLoop::Watcher> driver_watch_;
  std::unique_ptr<EventLoop::Watcher> lifeline_watch_;
  std::unique_ptr<EventLoop::Watcher> node_watch_;
};

}  // namespace rayx::daemon
