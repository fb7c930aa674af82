// The worker processes of a node: forked by the template, watched, ended.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "common/process/shared_leftovers.h"
#include "daemon/messages/message_writer.h"
#include "daemon/peers/peer_table.h"
#include "daemon/workers/template_process.h"
#include "daemon/workers/worker_process.h"
#include "node/shell.h"
#include "scheduler/local_scheduler.h"
#include "scheduler/types/effects.h"

namespace rayx::daemon {

class WorkerService final : public node::Workers {
 public:
  struct Events {
    // The worker has said hello.
    std::function<void(WorkerNumber, pid_t)> on_started;
    // The worker is gone; everything it had sent has been handled.
    std::function<void(WorkerNumber, const scheduler::WorkerEnd&)> on_gone;
    // Lines that the worker printed.
    std::function<void(const WorkerProcess&, bool is_stderr, std::string lines)> on_output;
    // Nothing more of the worker comes to on_output. Called before on_gone.
    std::function<void(const WorkerProcess&)> on_output_ended;
  };

  WorkerService(EventLoop* loop, PeerTable* peers, MessageWriter* writer,
                std::vector<std::string> template_command, Events events);
  ~WorkerService() override;

  // Starts the template.
  Status StartTemplate();

  // These carry out what the core asks.
  node::Worker* FindWorker(WorkerNumber number) override { return Find(number); }
  void Start(WorkerNumber number) override;
  void Stop(node::Worker& worker, bool kill) override;
  void HandOut(node::Worker& worker, node::Peer& peer, const node::GivenTask& task) override;
  uint32_t TakeBack(node::Worker& worker) override;
  void Interrupt(node::Worker& worker, uint32_t sequence,
                 scheduler::InterruptReason reason) override;
  bool HasExitWork(const node::Worker& worker) const override;

  // A peer that is a worker has said hello, or was closed.
  Status OnHello(ConnectedPeer& peer);
  void OnPeerClosed(ConnectedPeer& peer, const Status& reason);
  // A child of the node has ended (SIGCHLD): the template, or an orphan of a worker.
  void OnChildExited(pid_t pid, int wait_status);

  // Null if there is none.
  WorkerProcess* Find(WorkerNumber number);
  // Takes in what the worker has printed so far. An unknown number is ignored.
  void ReadOutput(WorkerNumber number);
  void Flush() { template_.Flush(); }
  std::string DebugText() const;

 private:
  // Every worker that the core knows is a WorkerProcess.
  static WorkerProcess& ProcessOf(node::Worker& worker) {
    return static_cast<WorkerProcess&>(worker);
  }
  void OnForked(WorkerNumber number, pid_t pid, int error_number);
  // The worker has said hello, and its process is known.
  void BeginServing(WorkerProcess& worker);
  void OnWorkerExited(pid_t pid, int wait_status);
  void OnTemplateEnded(const std::string& description);
  // The start of the worker has failed.
  void FailStart(WorkerNumber number, std::string description);
  // One half of the worker's end is known; waits for the other, then OnEndAwaited.
  void AwaitEnd(WorkerProcess& worker);
  void OnEndAwaited(WorkerNumber number);
  void EndOutput(WorkerProcess& worker);
  // Kills the worker with all that it has started. What they have left in shared memory is removed
  // a moment later.
  void Kill(const WorkerProcess& worker);
  static std::string DescribeEnd(const WorkerProcess& worker);
  std::unique_ptr<LinePipe> MakePipe(WorkerNumber number, ScopedFd read_end, bool is_stderr);

  EventLoop* loop_;
  PeerTable* peers_;
  MessageWriter* writer_;
  Events events_;
  TemplateProcess template_;
  std::unordered_map<WorkerNumber, std::unique_ptr<WorkerProcess>> workers_;
  std::unordered_map<pid_t, WorkerNumber> by_pid_;
  // What killed workers have left in shared memory.
  struct Remains {
    SharedLeftovers left;
    std::unique_ptr<EventLoop::Timer> timer;
  };
  std::vector<std::unique_ptr<Remains>> remains_;
};

}  // namespace rayx::daemon
