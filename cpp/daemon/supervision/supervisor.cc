#include "daemon/supervision/supervisor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/io/socket.h"
#include "common/os/random_bytes.h"
#include "common/process/child_process.h"
#include "common/process/shared_leftovers.h"
#include "control/server_config.h"
#include "daemon/supervision/session_files.h"

namespace rayx::daemon {
namespace {

constexpr size_t kLogTailBytes = 2000;

// Writes a file that only we can read. The directory is private, so an existing file is our own
// mistake.
Status WritePrivateFile(const std::string& path, std::string_view text) {
  const ScopedFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid() || ::fchmod(file.get(), 0600) != 0) {
    return Status::FromErrno("creating " + path, errno);
  }
  for (size_t written = 0; written < text.size();) {
    const ssize_t count = ::write(file.get(), text.data() + written, text.size() - written);
    if (count < 0) return Status::FromErrno("writing " + path, errno);
    written += static_cast<size_t>(count);
  }
  return Status::Ok();
}

Status MakePrivateDirectory(const std::string& path) {
  // chmod as well: a umask of 0777 would leave us without access to our own directory.
  if (::mkdir(path.c_str(), 0700) != 0 || ::chmod(path.c_str(), 0700) != 0) {
    return Status::FromErrno("creating " + path, errno);
  }
  return Status::Ok();
}

// A directory that is there already must be ours and closed to other users. On some file systems
// modes mean nothing; a directory there is refused.
Status MakeSessionDirectory(const std::string& path) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) {
    RAYX_RETURN_IF_ERROR(MakePrivateDirectory(path));
    if (::lstat(path.c_str(), &status) != 0) return Status::FromErrno("stat " + path, errno);
  }
  if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() ||
      (status.st_mode & 07777) != 0700) {
    return Status::IoError(path + " is not a private directory of ours");
  }
  return Status::Ok();
}

}  // namespace

Supervisor::Supervisor(EventLoop* loop, SupervisorOptions options)
    : loop_(loop), options_(std::move(options)) {}

Supervisor::~Supervisor() = default;

Status Supervisor::Start() {
  RAYX_RETURN_IF_ERROR(BecomeSubreaper());
  loop_->OnSignal(SIGTERM, [this] { End("SIGTERM"); });
  loop_->OnSignal(SIGINT, [this] { End("SIGINT"); });
  loop_->OnSignal(SIGHUP, [this] { End("SIGHUP"); });
  loop_->OnSignal(SIGCHLD, [this] { ReapChildren(); });
  RAYX_RETURN_IF_ERROR(WatchDriver());
  RAYX_RETURN_IF_ERROR(PrepareDirectory());
  RAYX_RETURN_IF_ERROR(StartControlServers());
  return StartNode();
}

Status Supervisor::PrepareDirectory() {
  RAYX_RETURN_IF_ERROR(MakeSessionDirectory(options_.session_dir));
  has_directory_ = true;
  RAYX_RETURN_IF_ERROR(MakePrivateDirectory(options_.session_dir + "/logs"));
  std::array<uint8_t, 32> secret;
  FillRandom(secret);
  // Drivers that have joined hold this file open, and read it when their connection breaks.
  RAYX_RETURN_IF_ERROR(WritePrivateFile(options_.session_dir + "/ending", ""));
  password_file_ = options_.session_dir + "/control.password";
  return WritePrivateFile(password_file_, ToHex(secret.data(), secret.size()));
}

Status Supervisor::StartControlServers() {
  std::ifstream file(password_file_);
  std::string password;
  std::getline(file, password);
  for (int shard = 0; shard <= options_.redis_shards; ++shard) {
    const std::string name = "control-" + std::to_string(shard);
    const std::string directory = options_.session_dir + "/" + name;
    RAYX_RETURN_IF_ERROR(MakePrivateDirectory(directory));
    const std::string socket = directory + "/redis.sock";
    const std::string config = directory + "/redis.conf";
    const Result<std::string> text = control::ServerConfigText(
        {.socket_path = socket, .directory = directory, .password = password});
    if (!text.ok()) return text.status();
    RAYX_RETURN_IF_ERROR(WritePrivateFile(config, *text));
    Result<ScopedFd> log = OpenLog(name);
    if (!log.ok()) return log.status();
    SpawnOptions spawn;
    spawn.argv = {options_.redis_server, config};
    spawn.fds = {{log->get(), STDOUT_FILENO}, {log->get(), STDERR_FILENO}};
    spawn.directory = directory;
    // Whatever the driver's umask is, the server must be able to read what it writes, and no other
    // user.
    const mode_t umask_before = ::umask(0077);
    Result<pid_t> pid = Spawn(spawn);
    ::umask(umask_before);
    if (!pid.ok()) return pid.status();
    control_pids_.push_back(*pid);
    control_sockets_.push_back(socket);
  }
  return Status::Ok();
}

Status Supervisor::StartNode() {
  auto stream = SocketPair();
  if (!stream.ok()) return stream.status();
  Result<ScopedFd> log = OpenLog("node");
  if (!log.ok()) return log.status();
  constexpr int kChildStream = 3;
  SpawnOptions spawn;
  spawn.argv = {options_.node_program,
                "--session-dir",
                options_.session_dir,
                "--lifeline-fd",
                std::to_string(kChildStream),
                "--control-password-file",
                password_file_};
  for (const std::string& socket : control_sockets_) {
    spawn.argv.insert(spawn.argv.end(), {"--control-socket", socket});
  }
  if (options_.redirect_output) spawn.argv.push_back("--redirect-output");
  spawn.argv.insert(spawn.argv.end(), options_.node_arguments.begin(),
                    options_.node_arguments.end());
  spawn.fds = {{log->get(), STDOUT_FILENO},
               {log->get(), STDERR_FILENO},
               {stream->second.get(), kChildStream}};
  // Not SIGKILL, since without us the node is the process that cleans up.
  spawn.parent_death_signal = SIGTERM;
  Result<pid_t> pid = Spawn(spawn);
  if (!pid.ok()) return pid.status();
  node_pid_ = *pid;
  node_stream_ = std::move(stream->first);
  node_watch_ = loop_->Watch(node_stream_.get(), [this] { OnNodeSpoke(); });
  return Status::Ok();
}

Status Supervisor::WatchDriver() {
  if (options_.lifeline_fd >= 0) {
    lifeline_watch_ = loop_->Watch(options_.lifeline_fd, [this] {
      char byte;
      const ssize_t count = ::read(options_.lifeline_fd, &byte, 1);
      if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        OnDriverGone();
      }
    });
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

// Whether the driver has closed the session or has died, the stream may be the first to tell.
void Supervisor::OnDriverGone() {
  End("the driver that started it (pid " + std::to_string(options_.driver_pid) + ") has left it");
}

void Supervisor::OnNodeSpoke() {
  std::array<char, 64> buffer;
  const ssize_t count = ::read(node_stream_.get(), buffer.data(), buffer.size());
  if (count <= 0) {
    // SIGCHLD tells of the node's end.
    node_watch_.reset();
    return;
  }
  if (std::exchange(reported_, true)) return;
  constexpr std::string_view kReady = "ready\n";
  if (::write(options_.lifeline_fd, kReady.data(), kReady.size()) < 0) {
    LogWarning("the driver does not listen");
  }
}

void Supervisor::ReapChildren() {
  int wait_status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    OnChildEnded(pid, wait_status);
  }
}

void Supervisor::OnChildEnded(pid_t pid, int wait_status) {
  std::string name;
  std::string log;
  if (pid == node_pid_) {
    name = "the node daemon";
    log = "node";
  } else if (const auto it = std::find(control_pids_.begin(), control_pids_.end(), pid);
             it != control_pids_.end()) {
    name = "the control server";
    log = "control-" + std::to_string(it - control_pids_.begin());
  } else {
    return;  // an orphan of the node's workers
  }
  if (ending_) return;
  const std::string text =
      name + " (pid " + std::to_string(pid) + ") " + DescribeWaitStatus(wait_status) + LogTail(log);
  ReportError(text);
  End(text);
}

void Supervisor::ReportError(const std::string& text) {
  LogError(text);
  const std::string line = "error " + text + "\n";
  if (options_.lifeline_fd >= 0 && ::write(options_.lifeline_fd, line.data(), line.size()) < 0) {
    LogWarning("the driver does not listen");
  }
}

void Supervisor::End(const std::string& reason) {
  if (std::exchange(ending_, true)) return;
  LogInfo("the session ends: " + reason);
  if (has_directory_) TellWhy(reason);
  SharedLeftovers shared;
  shared.NoteTree(::getpid());
  const size_t left = KillDescendants(::getpid(), {}, limits::kShutdownGraceMs, limits::kTrackerMs);
  if (left > 0) LogError(std::to_string(left) + " processes could not be ended");
  shared.Remove();
  if (has_directory_) RemoveSessionFiles(options_.session_dir, options_.redirect_output);
  loop_->Stop();
}

void Supervisor::TellWhy(const std::string& reason) const {
  const ScopedFd file(
      ::open((options_.session_dir + "/ending").c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.valid() && ::write(file.get(), reason.data(), reason.size()) < 0) {
    LogWarning("those who joined do not learn why the session ends");
  }
}

std::string Supervisor::LogTail(const std::string& name) const {
  std::ifstream file(options_.session_dir + "/logs/" + name + ".log", std::ios::ate);
  if (!file) return "";
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - std::streamoff{kLogTailBytes}));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (text.empty()) return "";
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return "; the end of its log:\n" + text;
}

Result<ScopedFd> Supervisor::OpenLog(const std::string& name) const {
  const std::string path = options_.session_dir + "/logs/" + name + ".log";
  ScopedFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid() || ::fchmod(file.get(), 0600) != 0) {
    return Status::FromErrno("opening " + path, errno);
  }
  return file;
}

}  // namespace rayx::daemon
