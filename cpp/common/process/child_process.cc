#include "common/process/child_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

namespace rayx {
namespace {

// Descriptors above this are not looked for where the kernel has no close_range.
constexpr int kFdsSearchedMax = 65536;

// What the child tells through the error pipe when it could not exec.
struct SpawnFailure {
  int error_number;
  // What was tried, as an index of kSteps.
  int step;
};
enum Step { kStepParent, kStepFds, kStepDirectory, kStepExec };
constexpr std::string_view kSteps[] = {"parent is gone", "dup2", "chdir", "exec"};

// All that the child needs, made before the fork: between fork and exec nothing may allocate or
// lock, since another thread may hold the lock.
struct ChildPlan {
  std::string program;
  std::vector<char*> argv;
  std::vector<std::string> environment;
  std::vector<char*> envp;
  // (where it is now, where it goes); the first are out of the way of all targets.
  std::vector<std::pair<int, int>> fds;
  std::vector<ScopedFd> held;
  const char* directory = nullptr;
  int parent_death_signal = 0;
  bool new_session = false;
  pid_t parent = 0;
  int error_pipe = -1;
};

// The file that the name stands for, as execvp would find it.
std::string FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const size_t colon = std::min(rest.find(':'), rest.size());
    const std::string directory(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
    std::string file = (directory.empty() ? "." : directory) + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return file;
  }
  return name;
}

std::vector<std::string> MakeEnvironment(const SpawnOptions& options) {
  std::vector<std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced = std::any_of(options.environment.begin(), options.environment.end(),
                                      [name](const auto& item) { return item.first == name; });
    if (!replaced) environment.emplace_back(text);
  }
  for (const auto& [name, value] : options.environment) {
    if (value.has_value()) environment.push_back(name + "=" + *value);
  }
  return environment;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  // exec's signature is from before const.
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Copies every descriptor to a number above all targets, so that no dup2 of the child overwrites a
// source.
Status PlanFds(const SpawnOptions& options, ChildPlan* plan) {
  std::vector<std::pair<int, int>> wanted = options.fds;
  ScopedFd null_device(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null_device.valid()) return Status::FromErrno("open /dev/null", errno);
  int above = 2;
  for (int standard = 0; standard <= 2; ++standard) {
    const bool given = std::any_of(wanted.begin(), wanted.end(),
                                   [standard](const auto& fd) { return fd.second == standard; });
    if (!given) wanted.emplace_back(null_device.get(), standard);
  }
  for (const auto& [source, target] : wanted) above = std::max(above, target);
  for (const auto& [source, target] : wanted) {
    ScopedFd copy(::fcntl(source, F_DUPFD_CLOEXEC, above + 1));
    if (!copy.valid())
      return Status::FromErrno("dup of descriptor " + std::to_string(source), errno);
    plan->fds.emplace_back(copy.get(), target);
    plan->held.push_back(std::move(copy));
  }
  return Status::Ok();
}

// --- in the child: only calls that are safe after fork ---

[[noreturn]] void FailChild(const ChildPlan& plan, Step step) {
  const SpawnFailure failure{errno, step};
  // Nothing is left to do if even this fails; the parent then sees an end without exec.
  [[maybe_unused]] const ssize_t ignored = ::write(plan.error_pipe, &failure, sizeof(failure));
  ::_exit(127);
}

void ResetSignals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Marks everything close-on-exec; the targets of dup2 are cleared of it afterwards.
void CloseAllOnExec() {
  if (::syscall(SYS_close_range, 0u, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;
  for (int fd = 0; fd < kFdsSearchedMax; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

[[noreturn]] void RunChild(const ChildPlan& plan) {
  if (plan.new_session) ::setsid();
  if (plan.parent_death_signal != 0) {
    ::prctl(PR_SET_PDEATHSIG, plan.parent_death_signal);
    // The parent may have died before the wish was known.
    if (::getppid() != plan.parent) FailChild(plan, kStepParent);
  }
  CloseAllOnExec();
  for (const auto& [source, target] : plan.fds) {
    if (::dup2(source, target) < 0) FailChild(plan, kStepFds);
  }
  if (plan.directory != nullptr && ::chdir(plan.directory) != 0) FailChild(plan, kStepDirectory);
  ResetSignals();
  ::execve(plan.program.c_str(), plan.argv.data(), plan.envp.data());
  FailChild(plan, kStepExec);
}

// Forks with all signals blocked, so that no handler of ours runs in the child.
pid_t ForkChild(const ChildPlan& plan) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) RunChild(plan);
  const int error_number = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error_number;
  return pid;
}

// Waits for the exec: its success closes the pipe.
Status AwaitExec(int error_pipe, pid_t pid, const SpawnOptions& options) {
  SpawnFailure failure{};
  ssize_t bytes = 0;
  do {
    bytes = ::read(error_pipe, &failure, sizeof(failure));
  } while (bytes < 0 && errno == EINTR);
  if (bytes == 0) return Status::Ok();
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  const std::string what = "starting " + options.argv[0];
  if (bytes != sizeof(failure)) return Status::IoError(what + ": it ended before exec");
  return Status::FromErrno(what + ": " + std::string(kSteps[failure.step]), failure.error_number);
}

}  // namespace

Result<pid_t> Spawn(const SpawnOptions& options) {
  if (options.argv.empty()) return Status::InvalidArgument("no program to start");
  ChildPlan plan;
  plan.program = FindProgram(options.argv[0]);
  plan.argv = Pointers(options.argv);
  plan.environment = MakeEnvironment(options);
  plan.envp = Pointers(plan.environment);
  RAYX_RETURN_IF_ERROR(PlanFds(options, &plan));
  if (!options.directory.empty()) plan.directory = options.directory.c_str();
  plan.parent_death_signal = options.parent_death_signal;
  plan.new_session = options.new_session;
  plan.parent = ::getpid();

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Status::FromErrno("pipe", errno);
  const ScopedFd read_end(ends[0]);
  // Above all targets as well.
  ScopedFd write_end(::fcntl(ends[1], F_DUPFD_CLOEXEC, plan.fds.front().first));
  ::close(ends[1]);
  if (!write_end.valid()) return Status::FromErrno("dup of a pipe", errno);
  plan.error_pipe = write_end.get();

  const pid_t pid = ForkChild(plan);
  if (pid < 0) return Status::FromErrno("fork for " + options.argv[0], errno);
  write_end.Reset();
  RAYX_RETURN_IF_ERROR(AwaitExec(read_end.get(), pid, options));
  return pid;
}

Result<ScopedFd> OpenPidFd(pid_t pid) {
  ScopedFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0u)));
  if (fd.valid()) return fd;
  if (errno == ESRCH) return Status::NotFound("no process " + std::to_string(pid));
  if (errno == ENOSYS) return Status::Unavailable("the kernel has no pidfd_open");
  return Status::FromErrno("pidfd_open", errno);
}

std::string DescribeWaitStatus(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int number = WTERMSIG(wait_status);
    const char* name = ::sigabbrev_np(number);
    std::string text = "was killed by signal " + std::to_string(number);
    if (name != nullptr) text += " (SIG" + std::string(name) + ")";
    return text;
  }
  if (WIFEXITED(wait_status)) {
    return "exited with code " + std::to_string(WEXITSTATUS(wait_status));
  }
  return "ended with wait status " + std::to_string(wait_status);
}

Status BecomeSubreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    return Status::FromErrno("PR_SET_CHILD_SUBREAPER", errno);
  }
  return Status::Ok();
}

}  // namespace rayx
