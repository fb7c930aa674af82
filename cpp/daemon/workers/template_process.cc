#include "daemon/workers/template_process.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/io/socket.h"
#include "common/process/child_process.h"

namespace rayx::daemon {

TemplateProcess::TemplateProcess(EventLoop* loop, MessageWriter* writer,
                                 std::vector<std::string> command, Events events)
    : loop_(loop), writer_(writer), command_(std::move(command)), events_(std::move(events)) {}

TemplateProcess::~TemplateProcess() = default;

Status TemplateProcess::Start() {
  auto sockets = SocketPair();
  if (!sockets.ok()) return sockets.status();
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return Status::FromErrno("pipe", errno);
  ScopedFd read_end(pipe_ends[0]);
  const ScopedFd write_end(pipe_ends[1]);
  RAYX_RETURN_IF_ERROR(SetNonBlocking(read_end.get(), true));
  RAYX_RETURN_IF_ERROR(SetNonBlocking(sockets->first.get(), true));

  SpawnOptions options;
  options.argv = command_;
  constexpr int kChildSocket = 3;
  options.argv.insert(options.argv.end(), {"--fd", std::to_string(kChildSocket)});
  options.fds = {{write_end.get(), STDOUT_FILENO},
                 {write_end.get(), STDERR_FILENO},
                 {sockets->second.get(), kChildSocket}};
  Result<pid_t> pid = Spawn(options);
  if (!pid.ok()) return pid.status();
  pid_ = *pid;
  tail_.Clear();
  output_ =
      std::make_unique<LinePipe>(loop_, std::move(read_end), [this](const std::string& lines) {
        tail_.Add(lines);
        LogInfo("worker template: " + lines);
      });
  connection_ = std::make_unique<Connection>(
      loop_, std::make_unique<UnixStream>(std::move(sockets->first)), limits::kHelloBytesMax,
      Connection::Handlers{.on_frames = [this] { OnFrames(); },
                           .on_closed = [this](const Status& reason) { OnDisconnected(reason); },
                           .on_dirty = [] {}});
  return Status::Ok();
}

void TemplateProcess::RequestFork(WorkerNumber number, std::vector<ScopedFd> fds) {
  writer_->Send(
      *connection_, protocol::MessageType::ForkWorker,
      [&](flatbuffers::FlatBufferBuilder& builder) {
        return protocol::CreateForkWorker(builder, number.value());
      },
      std::move(fds));
}

void TemplateProcess::Flush() {
  if (connection_ && !connection_->closed()) connection_->Flush();
}

void TemplateProcess::OnFrames() {
  while (const std::optional<Frame> frame = connection_->NextFrame()) {
    if (!HandleFrame(*frame)) {
      connection_->Close(Status::ProtocolError("the worker template sent a malformed message"));
      return;
    }
  }
}

void TemplateProcess::OnDisconnected(const Status& reason) {
  if (pid_ == 0) return;
  // SIGCHLD tells of its end, and of the reason. A template that lives on without the node is of no
  // use.
  LogDebug("worker template: " + reason.message());
  ::kill(pid_, SIGKILL);
}

bool TemplateProcess::HandleFrame(const Frame& frame) {
  switch (static_cast<protocol::MessageType>(frame.type)) {
    case protocol::MessageType::Hello: {
      // The node started it from its own installation; only a mixed one could differ.
      const auto* hello = VerifiedMessage<protocol::Hello>(frame.payload);
      return hello != nullptr && hello->protocol_version() == limits::kProtocolVersion &&
             hello->role() == protocol::Role::Template;
    }
    case protocol::MessageType::TemplateReady:
      return true;
    case protocol::MessageType::WorkerForked: {
      const auto* message = VerifiedMessage<protocol::WorkerForked>(frame.payload);
      if (message == nullptr) return false;
      events_.on_forked(WorkerNumber(message->number()), message->pid(), message->error_number());
      return true;
    }
    case protocol::MessageType::WorkerExited: {
      const auto* message = VerifiedMessage<protocol::WorkerExited>(frame.payload);
      if (message == nullptr) return false;
      events_.on_worker_exited(message->pid(), message->wait_status());
      return true;
    }
    default:
      return false;
  }
}

bool TemplateProcess::OnChildExited(pid_t pid, int wait_status) {
  if (pid != pid_) return false;
  // What it had reported before it died still counts.
  if (!connection_->closed()) OnFrames();
  connection_.reset();
  output_->Finish();
  const std::string description = "the worker template (pid " + std::to_string(pid) + ") " +
                                  DescribeWaitStatus(wait_status) + tail_.Story();
  pid_ = 0;
  LogWarning(description);
  events_.on_ended(description);
  return true;
}

}  // namespace rayx::daemon
