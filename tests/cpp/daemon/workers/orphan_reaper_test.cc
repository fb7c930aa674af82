#include "daemon/workers/orphan_reaper.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "common/os/random_bytes.h"
#include "common/process/child_process.h"
#include "common/process/process_mark.h"

namespace rayx::daemon {
namespace {

pid_t StartMarked(const std::string& mark) {
  SpawnOptions options;
  options.argv = {"sleep", "100"};
  options.environment = {{std::string(kProcessMark), mark}};
  const Result<pid_t> pid = Spawn(options);
  EXPECT_TRUE(pid.ok()) << pid.status().message();
  return *pid;
}

TEST(OrphanReaper, EndsWhatBearsTheMarkAndNothingElse) {
  EventLoop loop;
  RandomIdSource ids;
  const DriverId gone = ids.Next<DriverId>();
  const DriverId other = ids.Next<DriverId>();
  const pid_t of_gone = StartMarked(gone.Hex());
  const pid_t of_other = StartMarked(other.Hex());
  OrphanReaper reaper(&loop, ::getpid());
  reaper.OnDriverGone(gone);
  int wait_status = 0;
  bool ended = false;
  loop.OnSignal(SIGCHLD, [&] {
    if (::waitpid(of_gone, &wait_status, WNOHANG) != of_gone) return;
    ended = true;
    loop.Stop();
  });
  const auto limit = loop.CallAt(loop.now_ms() + 10'000, [&] { loop.Stop(); });
  loop.Run([] { return false; });
  EXPECT_TRUE(ended);
  EXPECT_TRUE(WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL);
  EXPECT_EQ(reaper.DebugText(), "searches for what ended drivers left: 1\n");
  EXPECT_EQ(::waitpid(of_other, nullptr, WNOHANG), 0);
  ::kill(of_other, SIGKILL);
  EXPECT_EQ(::waitpid(of_other, nullptr, 0), of_other);
}

}  // namespace
}  // namespace rayx::daemon
