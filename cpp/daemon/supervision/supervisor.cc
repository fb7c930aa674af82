#include "daemon/supervision/supervisor.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/io/socket.h"
#include "common/os/clock.h"
#include "common/os/random_bytes.h"
#include "common/process/child_process.h"
#include "common/process/shared_leftovers.h"
#include "control/server_config.h"
#include "daemon/supervision/session_files.h"

namespace rayx::daemon {
namespace {

// Why the session ends, and why its present node has ended.
constexpr char kEndingFile[] = "ending";
constexpr char kNodeEndingFile[] = "node-ending";

}  // namespace

Supervisor::Supervisor(EventLoop* loop, SupervisorOptions options)
    : loop_(loop), options_(std::move(options)), logs_(options_.session_dir + "/logs") {}

Supervisor::~Supervisor() = default;

Status Supervisor::Start() {
  RAYX_RETURN_IF_ERROR(BecomeSubreaper());
  for (const auto& [number, name] : {std::pair(SIGINT, "SIGINT"), std::pair(SIGHUP, "SIGHUP")}) {
    loop_->OnSignal(number, [this, name = std::string(name)] {
      wanted_ = true;
      End(options_.standing ? "it was told to stop (" + name + ")" : name);
    });
  }
  loop_->OnSignal(SIGTERM, [this] { OnTerminated(); });
  loop_->OnSignal(SIGCHLD, [this] { ReapChildren(); });
  RAYX_RETURN_IF_ERROR(WatchDriver());
  RAYX_RETURN_IF_ERROR(HoldAddress());
  RAYX_RETURN_IF_ERROR(PrepareDirectory());
  RAYX_RETURN_IF_ERROR(PrepareControlServers());
  for (const auto& server : control_servers_)
    RAYX_RETURN_IF_ERROR(StartControlServer(server.get()));
  RAYX_RETURN_IF_ERROR(StartGlobalScheduler());
  TrimLogs();
  return StartNode();
}

void Supervisor::TrimLogs() {
  logs_.Trim();
  trim_ = loop_->CallAt(loop_->now_ms() + SessionLogs::kTrimMs, [this] { TrimLogs(); });
}

Status Supervisor::HoldAddress() {
  if (!options_.standing) return Status::Ok();
  Result<HeldPort> held = has_network()
                              ? HoldAndListen(options_.address, options_.port, limits::kListenQueue)
                              : HoldPort(options_.address, options_.port);
  if (!held.ok()) return held.status();
  address_ = std::move(*held);
  options_.port = address_.port;
  if (options_.join.empty()) cluster_ = RandomIdSource().Next<ClusterId>();
  return Status::Ok();
}

Status Supervisor::PrepareDirectory() {
  RAYX_RETURN_IF_ERROR(MakeSessionDirectory(options_.session_dir));
  has_directory_ = true;
  RAYX_RETURN_IF_ERROR(MakePrivateDirectory(options_.session_dir + "/logs"));
  std::array<uint8_t, 32> secret;
  FillRandom(secret);
  // Drivers that have joined hold this file open, and read it when their connection breaks.
  RAYX_RETURN_IF_ERROR(WritePrivateFile(options_.session_dir + "/" + kEndingFile, ""));
  password_file_ = options_.session_dir + "/control.password";
  RAYX_RETURN_IF_ERROR(WritePrivateFile(password_file_, ToHex(secret.data(), secret.size())));
  return options_.standing ? KeepFromCleaners() : Status::Ok();
}

// A standing session lives for longer than files do in some systems' /tmp: systemd-tmpfiles leaves
// alone what lies in a directory on which a process has a lock.
Status Supervisor::KeepFromCleaners() {
  const std::string records = std::filesystem::path(options_.record).parent_path().string();
  for (const std::string& path : {options_.session_dir, records}) {
    ScopedFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid()) return Status::FromErrno("opening " + path, errno);
    if (::flock(directory.get(), LOCK_SH | LOCK_NB) != 0) {
      LogWarning(path + " cannot be locked: what cleans up temporary files may remove it");
    }
    kept_directories_.push_back(std::move(directory));
  }
  // Once the session stands, no process reads our standard error any more.
  const Result<ScopedFd> log = logs_.Open("supervisor");
  if (!log.ok()) return log.status();
  ::dup2(log->get(), STDOUT_FILENO);
  ::dup2(log->get(), STDERR_FILENO);
  return Status::Ok();
}

Status Supervisor::PrepareControlServers() {
  // A node that joins reaches those of the head.
  if (!options_.join.empty()) return Status::Ok();
  std::ifstream file(password_file_);
  std::string password;
  std::getline(file, password);
  for (int shard = 0; shard <= options_.redis_shards; ++shard) {
    auto server = std::make_unique<ControlServer>();
    server->name = "control-" + std::to_string(shard);
    server->directory = options_.session_dir + "/" + server->name;
    RAYX_RETURN_IF_ERROR(MakePrivateDirectory(server->directory));
    server->socket = server->directory + "/redis.sock";
    server->config = server->directory + "/redis.conf";
    const Result<std::string> text = control::ServerConfigText(
        {.socket_path = server->socket, .directory = server->directory, .password = password});
    if (!text.ok()) return text.status();
    RAYX_RETURN_IF_ERROR(WritePrivateFile(server->config, *text));
    control_servers_.push_back(std::move(server));
  }
  return Status::Ok();
}

Status Supervisor::StartControlServer(ControlServer* server) {
  Result<ScopedFd> log = logs_.Open(server->name);
  if (!log.ok()) return log.status();
  SpawnOptions spawn;
  spawn.argv = {options_.redis_server, server->config};
  spawn.fds = {{log->get(), STDOUT_FILENO}, {log->get(), STDERR_FILENO}};
  spawn.directory = server->directory;
  // Whatever the driver's umask is, the server must be able to read what it writes, and no other
  // user.
  const mode_t umask_before = ::umask(0077);
  Result<pid_t> pid = Spawn(spawn);
  ::umask(umask_before);
  if (!pid.ok()) return pid.status();
  server->pid = *pid;
  server->policy.OnStarted(loop_->now_ms());
  return Status::Ok();
}

// A session of a driver has one node for ever, and pays nothing for what several need.
Status Supervisor::StartGlobalScheduler() {
  // A node that joins has that of the head.
  if (!options_.standing || !options_.join.empty()) return Status::Ok();
  global_scheduler_ = std::make_unique<GlobalSchedulerProcess>(
      loop_, &logs_,
      GlobalSchedulerCommand{.program = options_.global_scheduler_program,
                             .session_dir = options_.session_dir,
                             .complete = options_.complete});
  return global_scheduler_->Start();
}

Status Supervisor::StartNode() {
  if (options_.standing) {
    // A new file for each node: drivers of the one before still hold its own open.
    const std::string ending = options_.session_dir + "/" + kNodeEndingFile;
    ::unlink(ending.c_str());
    RAYX_RETURN_IF_ERROR(WritePrivateFile(ending, ""));
  }
  auto stream = SocketPair();
  if (!stream.ok()) return stream.status();
  Result<ScopedFd> log = logs_.Open("node");
  if (!log.ok()) return log.status();
  constexpr int kChildStream = 3;
  constexpr int kChildPort = 4;
  SpawnOptions spawn;
  spawn.fds = {{log->get(), STDOUT_FILENO},
               {log->get(), STDERR_FILENO},
               {stream->second.get(), kChildStream}};
  spawn.argv = {options_.node_program,
                "--session-dir",
                options_.session_dir,
                "--lifeline-fd",
                std::to_string(kChildStream),
                "--control-password-file",
                password_file_};
  for (const auto& server : control_servers_) {
    spawn.argv.insert(spawn.argv.end(), {"--control-socket", server->socket});
  }
  if (options_.redirect_output) spawn.argv.push_back("--redirect-output");
  if (has_network()) {
    const std::vector<std::string> network = NetworkArguments(kChildPort);
    spawn.argv.insert(spawn.argv.end(), network.begin(), network.end());
    spawn.fds.emplace_back(address_.socket.get(), kChildPort);
  }
  spawn.argv.insert(spawn.argv.end(), options_.node_arguments.begin(),
                    options_.node_arguments.end());
  // Not SIGKILL, since without us the node is the process that cleans up.
  spawn.parent_death_signal = SIGTERM;
  Result<pid_t> pid = Spawn(spawn);
  if (!pid.ok()) return pid.status();
  node_pid_ = *pid;
  node_policy_.OnStarted(loop_->now_ms());
  node_stream_ = std::move(stream->first);
  node_watch_ = loop_->Watch(node_stream_.get(), [this] { OnNodeSpoke(); });
  return Status::Ok();
}

std::vector<std::string> Supervisor::NetworkArguments(int port_fd) const {
  std::vector<std::string> arguments{"--port-fd",        std::to_string(port_fd),
                                     "--port",           std::to_string(options_.port),
                                     "--python-version", options_.python_version};
  const auto add = [&arguments](const std::string& name, const std::string& value) {
    arguments.insert(arguments.end(), {name, value});
  };
  if (!options_.insecure) add("--key-file", options_.key_file);
  if (options_.join.empty()) {
    add("--cluster", cluster_.Hex());
  } else {
    add("--join", options_.join);
    // Whoever joins wants to hear at once that nobody is there; a session that stands waits.
    add("--head-patience-ms", std::to_string(standing_ ? limits::kHeadReturnMs : 0));
  }
  return arguments;
}

// ---- the program that starts the session --------------------------------------------------------

Status Supervisor::WatchDriver() {
  if (options_.lifeline_fd >= 0) {
    lifeline_watch_ = loop_->Watch(options_.lifeline_fd, [this] { OnLifelineReadable(); });
  }
  if (options_.driver_pid <= 0) return Status::Ok();
  Result<ScopedFd> pid_fd = OpenPidFd(options_.driver_pid);
  // A forked child of the driver may hold the lifeline open; then only this descriptor tells.
  if (pid_fd.status().code() == StatusCode::kNotFound) {
    return Status::Disconnected("the driver has ended");
  }
  // An old kernel has no such descriptor; the lifeline has to do.
  if (!pid_fd.ok()) return Status::Ok();
  driver_pid_fd_ = std::move(*pid_fd);
  driver_watch_ = loop_->Watch(driver_pid_fd_.get(), [this] { OnDriverGone(); });
  return Status::Ok();
}

void Supervisor::OnLifelineReadable() {
  char byte = 0;
  const ssize_t count = ::read(options_.lifeline_fd, &byte, 1);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return OnDriverGone();
  if (count == 1 && options_.standing && reported_) OnKept();
}

// Whether the driver has closed the session or has died, the stream may be the first to tell.
void Supervisor::OnDriverGone() {
  wanted_ = true;
  if (options_.standing) return End("the program that started it has ended, or has ended it");
  End("the driver that started it (pid " + std::to_string(options_.driver_pid) + ") has left it");
}

void Supervisor::OnKept() {
  standing_ = true;
  lifeline_watch_.reset();
  Say("kept");
  ::close(std::exchange(options_.lifeline_fd, -1));
  LogInfo("the session stands at " + options_.address + " port " + std::to_string(options_.port));
}

void Supervisor::OnNodeSpoke() {
  std::array<char, 512> buffer;
  const ssize_t count = ::read(node_stream_.get(), buffer.data(), buffer.size());
  if (count <= 0) {
    // SIGCHLD tells of the node's end.
    node_watch_.reset();
    return;
  }
  node_said_.append(buffer.data(), static_cast<size_t>(count));
  for (size_t end; !ending_ && (end = node_said_.find('\n')) != std::string::npos;) {
    const std::string line = node_said_.substr(0, end);
    node_said_.erase(0, end + 1);
    const size_t space = std::min(line.find(' '), line.size());
    OnNodeSaid(line.substr(0, space), line.substr(std::min(space + 1, line.size())));
  }
}

// As NodeOptions::lifeline_fd tells.
void Supervisor::OnNodeSaid(const std::string& word, const std::string& text) {
  if (word == "ends") {
    node_farewell_ = text;
  } else if (word == "draining") {
    draining_ = true;
  } else if (word == "drained") {
    wanted_ = true;
    End(text);
  } else if (word == "over" || (word == "refused" && standing_)) {
    // Of a session that stands, its record tells.
    if (!standing_) Say("error " + text);
    End(text);
  } else if (word == "refused") {
    Say("refused " + text);
    End(text);
  } else if (word == "ready") {
    if (std::exchange(reported_, true)) return LogInfo("the node serves again");
    Say(options_.standing ? "ready " + std::to_string(options_.port) : "ready");
  }
}

void Supervisor::ReportError(const Status& why) {
  LogError(why.message());
  const bool is_refusal = why.code() == StatusCode::kAlreadyExists;
  Say((is_refusal ? "refused " : "error ") + why.message());
}

void Supervisor::Say(const std::string& text) {
  if (options_.lifeline_fd < 0) return;
  const std::string line = text + "\n";
  if (::write(options_.lifeline_fd, line.data(), line.size()) < 0) {
    LogWarning("the driver does not listen");
  }
}

// ---- processes that end -------------------------------------------------------------------------

void Supervisor::ReapChildren() {
  int wait_status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    OnChildEnded(pid, wait_status);
  }
}

void Supervisor::OnChildEnded(pid_t pid, int wait_status) {
  if (global_scheduler_ != nullptr && pid == global_scheduler_->pid()) {
    return OnGlobalSchedulerEnded(wait_status);
  }
  const auto server = std::find_if(control_servers_.begin(), control_servers_.end(),
                                   [pid](const auto& candidate) { return candidate->pid == pid; });
  const bool is_server = server != control_servers_.end();
  if (pid != node_pid_ && !is_server) return;  // an orphan of the node's workers
  if (ending_) return;
  const std::string name = is_server ? "the control server" : "the node daemon";
  // What it has said before its end comes first.
  if (!is_server && node_watch_) OnNodeSpoke();
  if (ending_) return;
  std::string text = name + " (pid " + std::to_string(pid) + ") ";
  if (!is_server && !node_farewell_.empty()) {
    text += "has ended: " + std::exchange(node_farewell_, "");
  } else {
    text += DescribeWaitStatus(wait_status) + LogTail(is_server ? (*server)->name : "node");
  }
  if (!standing_) {
    ReportError(Status::IoError(text));
    return End(text);
  }
  LogError(text);
  is_server ? OnControlServerEnded(server->get(), text) : OnNodeEnded(text);
}

void Supervisor::OnGlobalSchedulerEnded(int wait_status) {
  if (ending_) return;
  LogError("the global scheduler (pid " + std::to_string(global_scheduler_->pid()) + ") " +
           DescribeWaitStatus(wait_status) + LogTail(GlobalSchedulerProcess::kName));
  global_scheduler_->OnEnded();
}

void Supervisor::OnNodeEnded(const std::string& text) {
  // First: its drivers ask for it when their connection breaks, which it has.
  Tell(kNodeEndingFile, text);
  node_pid_ = 0;
  node_watch_.reset();
  node_stream_.Reset();
  node_said_.clear();
  // From now on others find that nobody is there, until the next one listens.
  if (has_network()) StopListening(address_);
  EndRemainsOfNode();
  if (draining_) {
    wanted_ = true;
    return End("it was to be drained, and " + text);
  }
  const std::optional<int64_t> pause_ms = node_policy_.OnEnded(loop_->now_ms());
  if (!pause_ms) return GiveUp(text);
  node_respawn_ = loop_->CallAt(loop_->now_ms() + *pause_ms, [this] { RestartNode(); });
}

void Supervisor::OnControlServerEnded(ControlServer* server, const std::string& text) {
  server->pid = 0;
  ::unlink(server->socket.c_str());
  const std::optional<int64_t> pause_ms = server->policy.OnEnded(loop_->now_ms());
  if (!pause_ms) return GiveUp(text);
  server->respawn =
      loop_->CallAt(loop_->now_ms() + *pause_ms, [this, server] { RestartControlServer(server); });
}

// Not to be started is as not to live long.
void Supervisor::RestartNode() {
  const Status started = StartNode();
  if (!started.ok()) OnNodeEnded("the node daemon cannot be started: " + started.message());
}

void Supervisor::RestartControlServer(ControlServer* server) {
  const Status started = StartControlServer(server);
  if (started.ok()) return;
  OnControlServerEnded(server, "the control server cannot be started: " + started.message());
}

void Supervisor::EndRemainsOfNode() {
  std::vector<pid_t> spare;
  for (const auto& server : control_servers_) {
    if (server->pid > 0) spare.push_back(server->pid);
  }
  if (global_scheduler_ != nullptr && global_scheduler_->pid() > 0) {
    spare.push_back(global_scheduler_->pid());
  }
  SharedLeftovers shared;
  shared.NoteTree(::getpid());
  const size_t left =
      KillDescendants(::getpid(), spare, limits::kShutdownGraceMs, limits::kTrackerMs);
  if (left > 0) LogError(std::to_string(left) + " processes of the node could not be ended");
  shared.Remove();
  ::unlink((options_.session_dir + "/node.sock").c_str());
}

void Supervisor::GiveUp(const std::string& text) {
  End("a process of it has died " + std::to_string(RespawnPolicy::kQuickEndsMax) +
      " times, each within " + std::to_string(RespawnPolicy::kQuickMs / 1000) +
      " seconds of its start; the last time, " + text);
}

// ---- the end ------------------------------------------------------------------------------------

void Supervisor::End(const std::string& reason) {
  if (std::exchange(ending_, true)) return;
  LogInfo("the session ends: " + reason);
  node_respawn_.reset();
  for (const auto& server : control_servers_) server->respawn.reset();
  if (global_scheduler_ != nullptr) global_scheduler_->LeaveIt();
  if (has_directory_) Tell(kEndingFile, reason);
  SharedLeftovers shared;
  shared.NoteTree(::getpid());
  if (has_network()) LetNodeLeave();
  const size_t left = KillDescendants(::getpid(), {}, limits::kShutdownGraceMs, limits::kTrackerMs);
  if (left > 0) LogError(std::to_string(left) + " processes could not be ended");
  shared.Remove();
  RemoveRecord(reason);
  if (has_directory_) RemoveSessionFiles(options_.session_dir, options_.redirect_output);
  loop_->Stop();
}

void Supervisor::OnTerminated() {
  const bool may_drain = standing_ && !options_.join.empty() && node_pid_ > 0;
  constexpr std::string_view kWord = "drain\n";
  const bool is_told = may_drain && !std::exchange(terminated_, true) &&
                       ::write(node_stream_.get(), kWord.data(), kWord.size()) > 0;
  draining_ = draining_ || is_told;
  if (is_told) return LogInfo("SIGTERM: the node is drained; another one ends it at once");
  wanted_ = true;
  End(options_.standing ? "it was told to stop (SIGTERM)" : "SIGTERM");
}

void Supervisor::LetNodeLeave() {
  if (node_pid_ <= 0 || ::kill(node_pid_, SIGTERM) != 0) return;
  constexpr int64_t kPollUs = 1000;
  const int64_t give_up_ms = MonotonicMs() + limits::kLeaveMs;
  while (::waitpid(node_pid_, nullptr, WNOHANG) == 0 && MonotonicMs() < give_up_ms) {
    SleepUs(kPollUs);
  }
}

void Supervisor::RemoveRecord(const std::string& reason) {
  if (options_.record.empty()) return;
  if (!standing_ || wanted_) {
    ::unlink(options_.record.c_str());
    return;
  }
  const Status told = WritePrivateFile(options_.record + ".ended", reason);
  if (!told.ok()) LogError(told.message());
}

void Supervisor::Tell(const std::string& file, const std::string& reason) const {
  const ScopedFd told(
      ::open((options_.session_dir + "/" + file).c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (told.valid() && ::write(told.get(), reason.data(), reason.size()) < 0) {
    LogWarning("those who joined do not learn: " + reason);
  }
}

std::string Supervisor::LogTail(const std::string& name) const {
  const std::string text = logs_.Tail(name);
  return text.empty() ? "" : "; the end of its log:\n" + text;
}

}  // namespace rayx::daemon
