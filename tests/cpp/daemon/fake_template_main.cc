// A worker template for tests of the daemon: what python/rayx/worker/template.py is, without
// Python.
//
//   --fd N         the connection to the node (appended by it)
//   --fail TEXT    prints TEXT and ends with code 7, as a template that cannot import would
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "client/connection/template_channel.h"
#include "daemon/fake_worker.h"

namespace {

rayx::Status Fork(rayx::TemplateChannel* channel, const rayx::ForkRequest& request) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    channel->Abandon();
    ::_exit(rayx::RunFakeWorker(request));
  }
  const int error_number = pid < 0 ? errno : 0;
  for (const int fd : {request.socket_fd, request.stdout_fd, request.stderr_fd, request.claim_fd}) {
    ::close(fd);
  }
  return channel->ReportForked(request.number, pid, error_number);
}

rayx::Status ReapChildren(rayx::TemplateChannel* channel) {
  int wait_status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    RAYX_RETURN_IF_ERROR(channel->ReportExited(pid, wait_status));
  }
  return rayx::Status::Ok();
}

rayx::Status Serve(rayx::TemplateChannel* channel, int signals) {
  while (true) {
    pollfd ready[2] = {{channel->fd(), POLLIN, 0}, {signals, POLLIN, 0}};
    ::poll(ready, 2, -1);
    if (ready[1].revents != 0) {
      signalfd_siginfo ignored;
      if (::read(signals, &ignored, sizeof(ignored)) < 0) return rayx::Status::IoError("signalfd");
      RAYX_RETURN_IF_ERROR(ReapChildren(channel));
    }
    if (ready[0].revents == 0) continue;
    while (true) {
      const auto request = channel->NextRequest();
      if (!request.ok()) return request.status();
      if (!*request) break;
      RAYX_RETURN_IF_ERROR(Fork(channel, **request));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  int fd = -1;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--fd") == 0) fd = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--fail") == 0) {
      std::puts(argv[i + 1]);
      return 7;
    }
  }
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, nullptr);
  const int signals = ::signalfd(-1, &child, SFD_CLOEXEC);
  auto channel = rayx::TemplateChannel::Adopt(fd);
  if (!channel.ok() || !(*channel)->ReportReady(::getpid()).ok()) return 1;
  // The node is gone, or broke the protocol; either way there is nobody to tell.
  [[maybe_unused]] const rayx::Status end = Serve(channel->get(), signals);
  return 0;
}
