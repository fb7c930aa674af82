#include "daemon/workers/worker_service.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/io/socket.h"
#include "common/process/child_process.h"
#include "common/process/process_tree.h"
#include "daemon/messages/message_values.h"

namespace rayx::daemon {
namespace {

// After one half of a worker's end is known (its socket closed, its death reported) the other
// follows at once, unless a child that it forked keeps the socket open.
constexpr int64_t kSecondHalfMs = 50;
// A killed process is reported within this time, or never.
constexpr int64_t kDeathMs = 2000;

struct Pipe {
  ScopedFd read_end;
  ScopedFd write_end;
};

Result<Pipe> MakeOutputPipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Status::FromErrno("pipe", errno);
  Pipe pipe{ScopedFd(ends[0]), ScopedFd(ends[1])};
  RAYX_RETURN_IF_ERROR(SetNonBlocking(pipe.read_end.get(), true));
  return pipe;
}

// What the user can do about it, if that is known.
std::string Advice(int error_number) {
  switch (error_number) {
    case EMFILE:
      return ". The limit of this process is reached: raise it (`ulimit -n`), or end actors that "
             "are not needed";
    case EAGAIN:
      return ". A limit of processes is reached: raise it (`ulimit -u`, or pids.max of the "
             "container), or end actors that are not needed";
    default:
      return "";
  }
}

}  // namespace

WorkerService::WorkerService(EventLoop* loop, PeerTable* peers, MessageWriter* writer,
                             std::vector<std::string> template_command, Events events)
    : loop_(loop),
      peers_(peers),
      writer_(writer),
      events_(std::move(events)),
      template_(loop, writer, std::move(template_command),
                {.on_forked = [this](WorkerNumber number, pid_t pid,
                                     int error) { OnForked(number, pid, error); },
                 .on_worker_exited = [this](pid_t pid, int status) { OnWorkerExited(pid, status); },
                 .on_ended = [this](const std::string& text) { OnTemplateEnded(text); }}) {}

WorkerService::~WorkerService() = default;

Status WorkerService::StartTemplate() { return template_.Start(); }

WorkerProcess* WorkerService::Find(WorkerNumber number) {
  const auto it = workers_.find(number);
  return it == workers_.end() ? nullptr : it->second.get();
}

void WorkerService::Start(WorkerNumber number) {
  if (!template_.running()) {
    const Status status = template_.Start();
    if (!status.ok()) {
      loop_->Post([this, number, text = status.message()] {
        events_.on_gone(number, {.begun_sequence = 0, .description = text, .start_failed = true});
      });
      return;
    }
  }
  auto sockets = SocketPair();
  auto out = MakeOutputPipe();
  auto err = MakeOutputPipe();
  auto claim = ClaimWord::Create();
  ScopedFd claim_copy(claim.ok() ? ::fcntl(claim->fd(), F_DUPFD_CLOEXEC, 0) : -1);
  if (!sockets.ok() || !out.ok() || !err.ok() || !claim_copy.valid() ||
      !SetNonBlocking(sockets->first.get(), true).ok()) {
    std::string text = std::string("no descriptors for a worker: ") + std::strerror(errno);
    text += Advice(errno);
    loop_->Post([this, number, text = std::move(text)] {
      events_.on_gone(number, {.begun_sequence = 0, .description = text, .start_failed = true});
    });
    return;
  }
  auto worker = std::make_unique<WorkerProcess>(std::move(*claim));
  worker->number = number;
  std::vector<ScopedFd> fds;
  fds.push_back(std::move(sockets->second));
  fds.push_back(std::move(out->write_end));
  fds.push_back(std::move(err->write_end));
  fds.push_back(std::move(claim_copy));
  worker->out = MakePipe(number, std::move(out->read_end), false);
  worker->err = MakePipe(number, std::move(err->read_end), true);
  worker->client = peers_->Add(std::move(sockets->first), number).id;
  worker->timer = loop_->CallAt(loop_->now_ms() + limits::kWorkerStartTimeoutMs, [this, number] {
    FailStart(number, "the worker did not connect within " +
                          std::to_string(limits::kWorkerStartTimeoutMs) + " ms");
  });
  workers_.emplace(number, std::move(worker));
  template_.RequestFork(number, std::move(fds));
}

std::unique_ptr<LinePipe> WorkerService::MakePipe(WorkerNumber number, ScopedFd read_end,
                                                  bool is_stderr) {
  return std::make_unique<LinePipe>(loop_, std::move(read_end),
                                    [this, number, is_stderr](std::string lines) {
                                      WorkerProcess* worker = Find(number);
                                      if (worker == nullptr) return;
                                      worker->tail.Add(lines);
                                      events_.on_output(*worker, is_stderr, std::move(lines));
                                    });
}

void WorkerService::OnForked(WorkerNumber number, pid_t pid, int error_number) {
  WorkerProcess* worker = Find(number);
  if (worker == nullptr) {
    // The worker was given up while it was being forked.
    if (pid > 0) KillTree(pid);
    return;
  }
  if (worker->pid != 0) return;
  if (pid <= 0) {
    FailStart(number,
              std::string("fork failed: ") + std::strerror(error_number) + Advice(error_number));
    return;
  }
  worker->pid = pid;
  by_pid_.insert_or_assign(pid, number);
  if (worker->state == WorkerState::kForking) worker->state = WorkerState::kStarting;
  if (worker->stopped) {
    KillTree(pid);
  } else if (worker->has_said_hello && worker->state == WorkerState::kStarting) {
    BeginServing(*worker);
  }
}

Status WorkerService::OnHello(ConnectedPeer& peer) {
  WorkerProcess* worker = Find(peer.worker);
  if (worker == nullptr || worker->client != peer.id || worker->has_said_hello ||
      worker->state == WorkerState::kEnding) {
    return Status::ProtocolError("hello of a worker that is not starting");
  }
  worker->has_said_hello = true;
  // The hello may overtake the template's report of the fork, which alone tells the node what to
  // kill.
  if (worker->state == WorkerState::kStarting) BeginServing(*worker);
  return Status::Ok();
}

void WorkerService::BeginServing(WorkerProcess& worker) {
  worker.state = WorkerState::kServing;
  worker.timer.reset();
  events_.on_started(worker.number, worker.pid);
}

void WorkerService::Stop(node::Worker& worker, bool kill) {
  WorkerProcess& process = ProcessOf(worker);
  // AwaitEnd has set its timer, and kills a worker that lives on.
  if (process.state == WorkerState::kEnding) return;
  ConnectedPeer* peer = peers_->Find(process.client);
  if (!kill && peer != nullptr && TakesTasks(*peer)) {
    writer_->Send(*peer->connection, protocol::MessageType::ExitWorker,
                  [](flatbuffers::FlatBufferBuilder& builder) {
                    return protocol::CreateExitWorker(builder);
                  });
    process.timer =
        loop_->CallAt(loop_->now_ms() + limits::kWorkerExitMs, [this, number = process.number] {
          if (const WorkerProcess* stuck = Find(number)) Kill(*stuck);
        });
    return;
  }
  Kill(process);
}

void WorkerService::HandOut(node::Worker& worker, node::Peer& peer, const node::GivenTask& task) {
  ProcessOf(worker).claim.HandOut(task.place.sequence);
  writer_->Send(
      *static_cast<ConnectedPeer&>(peer).connection, protocol::MessageType::RunTask,
      [&](flatbuffers::FlatBufferBuilder& builder) { return WriteRunTask(builder, task); });
}

uint32_t WorkerService::TakeBack(node::Worker& worker) {
  return ProcessOf(worker).claim.TakeBack();
}

void WorkerService::Interrupt(node::Worker& worker, uint32_t sequence,
                              scheduler::InterruptReason reason) {
  WorkerProcess& process = ProcessOf(worker);
  if (process.pid <= 0 || process.wait_status) return;
  process.claim.Interrupt(sequence, static_cast<uint8_t>(reason));
  // The signal is ignored until the worker has its handler in place, and before that it runs no
  // task.
  ::kill(process.pid, SIGURG);
}

bool WorkerService::HasExitWork(const node::Worker& worker) const {
  return static_cast<const WorkerProcess&>(worker).claim.has_exit_work();
}

void WorkerService::Kill(const WorkerProcess& worker) {
  if (worker.pid <= 0) return;
  SharedLeftovers left;
  left.NoteTree(worker.pid);
  KillTree(worker.pid);
  if (left.empty()) return;
  // Until then the worker's resource trackers may remove it themselves.
  auto remains = std::make_unique<Remains>();
  remains->left = std::move(left);
  remains->timer = loop_->CallAt(loop_->now_ms() + limits::kTrackerMs, [this, it = remains.get()] {
    it->left.Remove();
    // Posted, since this runs in the entry's own timer.
    loop_->Post(
        [this, it] { std::erase_if(remains_, [it](const auto& one) { return one.get() == it; }); });
  });
  remains_.push_back(std::move(remains));
}

void WorkerService::OnPeerClosed(ConnectedPeer& peer, const Status& reason) {
  WorkerProcess* worker = Find(peer.worker);
  if (worker == nullptr || worker->client != peer.id) return;
  worker->socket_closed = true;
  worker->state = WorkerState::kEnding;
  LogDebug("worker " + peer.worker.ToString() + ": " + reason.message());
  AwaitEnd(*worker);
}

void WorkerService::OnWorkerExited(pid_t pid, int wait_status) {
  const auto it = by_pid_.find(pid);
  if (it == by_pid_.end()) return;
  const WorkerNumber number = it->second;
  WorkerProcess* worker = Find(number);
  worker->wait_status = wait_status;
  worker->state = WorkerState::kEnding;
  // The worker led a process group of its own. What its tasks had started there is of no use any
  // more.
  if (!worker->stopped) KillGroup(pid);
  AwaitEnd(*worker);
}

void WorkerService::OnChildExited(pid_t pid, int wait_status) {
  if (template_.OnChildExited(pid, wait_status)) return;
  // A worker whose template has died becomes our child.
  OnWorkerExited(pid, wait_status);
}

void WorkerService::OnTemplateEnded(const std::string& description) {
  // Workers die with their template (PR_SET_PDEATHSIG); those that were not forked yet never will
  // be.
  std::vector<WorkerNumber> unborn;
  for (const auto& [number, worker] : workers_) {
    // Its state does not matter: its connection, on the way to the template, may have closed first.
    if (worker->pid == 0) unborn.push_back(number);
  }
  std::sort(unborn.begin(), unborn.end());
  for (const WorkerNumber number : unborn) FailStart(number, description);
}

void WorkerService::FailStart(WorkerNumber number, std::string description) {
  WorkerProcess* worker = Find(number);
  if (worker == nullptr || worker->state == WorkerState::kServing) return;
  if (worker->pid > 0) {
    KillTree(worker->pid);
    by_pid_.erase(worker->pid);
  }
  EndOutput(*worker);
  peers_->Close(worker->client, Status::Disconnected(description));
  description += worker->tail.Story();
  workers_.erase(number);
  events_.on_gone(
      number, {.begun_sequence = 0, .description = std::move(description), .start_failed = true});
}

void WorkerService::AwaitEnd(WorkerProcess& worker) {
  const bool known = worker.socket_closed && worker.wait_status;
  // Never at once, since the caller may be in the middle of handling what the worker sent. Without
  // a pid it may take longer: the report of the worker's end cannot overtake that of its fork.
  const int64_t patience_ms = worker.pid == 0 ? kDeathMs : kSecondHalfMs;
  worker.timer = loop_->CallAt(loop_->now_ms() + (known ? 0 : patience_ms),
                               [this, number = worker.number] { OnEndAwaited(number); });
}

void WorkerService::OnEndAwaited(WorkerNumber number) {
  WorkerProcess* worker = Find(number);
  if (!worker->wait_status && !worker->killed_for_socket && worker->pid > 0) {
    // It closed its socket and lives on; a worker without a node is of no use.
    worker->killed_for_socket = true;
    Kill(*worker);
    worker->timer =
        loop_->CallAt(loop_->now_ms() + kDeathMs, [this, number] { OnEndAwaited(number); });
    return;
  }
  EndOutput(*worker);
  const scheduler::WorkerEnd end{.begun_sequence = worker->claim.TakeBack(),
                                 .description = DescribeEnd(*worker),
                                 .start_failed = !worker->has_said_hello && !worker->stopped};
  if (!worker->stopped) LogWarning(end.description);
  peers_->Close(worker->client, Status::Disconnected("the worker has ended"));
  by_pid_.erase(worker->pid);
  workers_.erase(number);
  events_.on_gone(number, end);
}

void WorkerService::EndOutput(WorkerProcess& worker) {
  worker.out->Finish();
  worker.err->Finish();
  events_.on_output_ended(worker);
}

std::string WorkerService::DescribeEnd(const WorkerProcess& worker) {
  std::string text = "worker pid " + std::to_string(worker.pid) + " ";
  if (worker.killed_for_socket) {
    text += "closed its connection to the node (did the task close descriptors?) and was ended";
  } else if (worker.wait_status) {
    text += DescribeWaitStatus(*worker.wait_status);
    // A worker that can no longer reach its node ends so, as does one whose task ends it in
    // silence.
    const bool silent = WIFEXITED(*worker.wait_status) && WEXITSTATUS(*worker.wait_status) == 0;
    if (silent && !worker.stopped) {
      text += " (did the task end the process, or close its connection to the node?)";
    }
  } else {
    text += "ended, nobody knows how";
  }
  return text + worker.tail.Story();
}

void WorkerService::ReadOutput(WorkerNumber number) {
  WorkerProcess* worker = Find(number);
  if (worker == nullptr) return;
  worker->out->EndLine();
  worker->err->EndLine();
}

std::string WorkerService::DebugText() const {
  static constexpr const char* kNames[] = {"forking", "starting", "serving", "ending"};
  std::string text;
  for (const auto& [number, worker] : workers_) {
    text += "worker " + number.ToString() + " pid " + std::to_string(worker->pid) + " " +
            kNames[static_cast<int>(worker->state)] + "\n";
  }
  return text;
}

}  // namespace rayx::daemon
