#include "common/process/process_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>

#include "common/os/clock.h"
#include "common/os/scoped_fd.h"
#include "common/process/child_process.h"

namespace rayx {
namespace {

constexpr int64_t kPatienceMs = 10'000;

// A process reports its pid here and keeps the pipe open while it lives, so that the end of all is
// seen.
struct Reports {
  Reports() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_end.Reset(ends[0]);
    write_end.Reset(ends[1]);
  }
  void Say() const {
    const pid_t pid = ::getpid();
    if (::write(write_end.get(), &pid, sizeof(pid)) != sizeof(pid)) ::_exit(1);
  }
  pid_t Hear() const {
    pid_t pid = 0;
    EXPECT_EQ(::read(read_end.get(), &pid, sizeof(pid)), ssize_t{sizeof(pid)});
    return pid;
  }
  bool AllAreGone() {
    write_end.Reset();
    pollfd wait{read_end.get(), POLLIN, 0};
    return ::poll(&wait, 1, static_cast<int>(kPatienceMs)) == 1 && (wait.revents & POLLHUP) != 0;
  }
  ScopedFd read_end;
  ScopedFd write_end;
};

[[noreturn]] void WaitForEver(const Reports& reports) {
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  reports.Say();
  while (true) ::pause();
}

// A child that hides: its own child leaves the session and the process tree, as daemons do.
void StartDaemon(const Reports& reports) {
  const pid_t first = ::fork();
  if (first == 0) {
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    WaitForEver(reports);
  }
  ASSERT_GT(first, 0);
  ::waitpid(first, nullptr, 0);
}

bool Contains(const std::vector<pid_t>& pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

class ProcessTreeTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(BecomeSubreaper().ok()); }
  void TearDown() override { EXPECT_EQ(KillDescendants(::getpid(), {}, kPatienceMs), 0u); }
};

TEST_F(ProcessTreeTest, DescendantsAreFoundWhateverTheirName) {
  Reports reports;
  const pid_t child = ::fork();
  if (child == 0) {
    // As in "1234 (a) Z 1) S …": a reader that stops at the first parenthesis sees a zombie of
    // init.
    ::prctl(PR_SET_NAME, "a) Z 1 (b c");
    if (::fork() == 0) WaitForEver(reports);
    WaitForEver(reports);
  }
  const pid_t one = reports.Hear();
  const pid_t two = reports.Hear();
  const std::vector<pid_t> below = Descendants(::getpid());
  EXPECT_TRUE(Contains(below, one));
  EXPECT_TRUE(Contains(below, two));
  EXPECT_FALSE(Contains(below, ::getpid()));
  EXPECT_EQ(Descendants(child).size(), 1u);
  EXPECT_EQ(KillDescendants(::getpid(), {}, kPatienceMs), 0u);
  EXPECT_TRUE(reports.AllAreGone());
}

TEST_F(ProcessTreeTest, F14_DaemonThatDoubleForkedAndIgnoresSignalsIsKilled) {
  Reports reports;
  StartDaemon(reports);
  const pid_t hidden = reports.Hear();
  EXPECT_TRUE(Contains(Descendants(::getpid()), hidden)) << "it moved up to us, its subreaper";
  EXPECT_EQ(KillDescendants(::getpid(), {}, kPatienceMs), 0u);
  EXPECT_TRUE(reports.AllAreGone());
  EXPECT_LT(::kill(hidden, 0), 0) << "and it was reaped";
}

TEST_F(ProcessTreeTest, ProcessesThatForkWhileTheyAreKilledDoNotEscape) {
  Reports reports;
  for (int i = 0; i < 3; ++i) {
    if (::fork() == 0) {
      ::setsid();
      reports.Say();
      // Each generation leaves before it can be killed.
      while (true) {
        const pid_t next = ::fork();
        if (next > 0) ::_exit(0);
      }
    }
  }
  for (int i = 0; i < 3; ++i) reports.Hear();
  EXPECT_EQ(KillDescendants(::getpid(), {}, kPatienceMs), 0u);
  EXPECT_TRUE(reports.AllAreGone());
}

TEST_F(ProcessTreeTest, SparedProcessesAndWhatIsBelowThemLive) {
  Reports spared_reports;
  const pid_t spared = ::fork();
  if (spared == 0) {
    if (::fork() == 0) WaitForEver(spared_reports);
    WaitForEver(spared_reports);
  }
  const pid_t first = spared_reports.Hear();
  const pid_t second = spared_reports.Hear();
  // Made after those two were forked, since who holds its pipe counts as not gone.
  Reports reports;
  if (::fork() == 0) WaitForEver(reports);
  reports.Hear();
  EXPECT_EQ(KillDescendants(::getpid(), {spared}, kPatienceMs), 0u);
  EXPECT_TRUE(reports.AllAreGone());
  EXPECT_EQ(::kill(first, 0), 0);
  EXPECT_EQ(::kill(second, 0), 0);
}

TEST_F(ProcessTreeTest, OnlyWhatIsBelowTheRootIsKilled) {
  Reports reports;
  Reports beside_reports;
  const pid_t beside = ::fork();
  if (beside == 0) WaitForEver(beside_reports);
  beside_reports.Hear();
  const pid_t root = ::fork();
  if (root == 0) {
    if (::fork() == 0) WaitForEver(reports);
    WaitForEver(reports);
  }
  reports.Hear();
  reports.Hear();
  EXPECT_EQ(KillDescendants(root, {}, kPatienceMs), 0u);
  EXPECT_EQ(::kill(root, 0), 0);
  EXPECT_EQ(::kill(beside, 0), 0);
  EXPECT_EQ(::waitpid(beside, nullptr, WNOHANG), 0);
}

// Its state is that of a zombie, though it lives.
TEST_F(ProcessTreeTest, AProcessWhoseFirstThreadHasEndedIsKilled) {
  Reports reports;
  const pid_t child = ::fork();
  if (child == 0) {
    static const Reports* const said = &reports;
    pthread_t thread;
    const auto wait = [](void*) -> void* { WaitForEver(*said); };
    if (::pthread_create(&thread, nullptr, wait, nullptr) != 0) ::_exit(1);
    // Not pthread_exit, which would unwind the test's own frames.
    ::syscall(SYS_exit, 0);
  }
  EXPECT_EQ(reports.Hear(), child);
  const std::string stat = "/proc/" + std::to_string(child) + "/stat";
  const auto first_thread_ended = [&] {
    std::string text;
    std::getline(std::ifstream(stat) >> std::ws, text);
    return text.find(") Z ") != text.npos;
  };
  const int64_t deadline_ms = MonotonicMs() + kPatienceMs;
  while (!first_thread_ended() && MonotonicMs() < deadline_ms) std::this_thread::yield();
  ASSERT_TRUE(first_thread_ended());
  EXPECT_EQ(KillDescendants(::getpid(), {}, kPatienceMs), 0u);
  EXPECT_TRUE(reports.AllAreGone());
  EXPECT_LT(::kill(child, 0), 0) << "and it was reaped";
}

// A program whose command line is that of a tracker: it runs `script`, with the pipe as its stdin.
pid_t StartTracker(const std::string& script, const ScopedFd& pipe) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(pipe.get(), STDIN_FILENO);
    const std::string text = script + " # from multiprocessing.resource_tracker import main";
    ::execl("/bin/sh", "sh", "-c", text.c_str(), nullptr);
    ::_exit(1);
  }
  const int64_t deadline_ms = MonotonicMs() + kPatienceMs;
  while (!IsResourceTracker(pid) && MonotonicMs() < deadline_ms) std::this_thread::yield();
  EXPECT_TRUE(IsResourceTracker(pid));
  return pid;
}

TEST_F(ProcessTreeTest, ATrackerEndsByItselfWhenThoseItServesAreKilled) {
  std::string file = ::testing::TempDir() + "tracker-XXXXXX";
  ASSERT_GE(ScopedFd(::mkstemp(file.data())).get(), 0);
  for (const char* way : {"tree", "group", "descendants"}) {
    Reports reports;
    Reports served;
    const pid_t user = ::fork();
    if (user == 0) {
      ::setpgid(0, 0);
      // It holds the pipe, and so does its child, which ignores signals.
      StartTracker("read line; echo done > " + file, served.read_end);
      if (::fork() == 0) WaitForEver(reports);
      WaitForEver(reports);
    }
    reports.Hear();
    reports.Hear();
    served.read_end.Reset();
    served.write_end.Reset();
    if (way == std::string("tree")) KillTree(user);
    if (way == std::string("group")) KillGroup(user);
    EXPECT_EQ(KillDescendants(::getpid(), {}, kPatienceMs, kPatienceMs), 0u);
    EXPECT_TRUE(reports.AllAreGone());
    std::string text;
    std::getline(std::ifstream(file), text);
    EXPECT_EQ(text, "done") << way;
    std::ofstream(file, std::ios::trunc);
  }
  ::unlink(file.c_str());
}

TEST_F(ProcessTreeTest, ATrackerThatDoesNotEndIsKilled) {
  const Reports served;
  const pid_t tracker = StartTracker("while true; do :; done", served.read_end);
  EXPECT_EQ(KillDescendants(::getpid(), {}, kPatienceMs, /*tracker_ms=*/20), 0u);
  EXPECT_LT(::kill(tracker, 0), 0) << "and it was reaped";
}

// A task whose program is killed under it would take that for the program's answer.
TEST_F(ProcessTreeTest, NobodySeesItsChildKilled) {
  // So many that there is time to see it.
  constexpr int kChildren = 200;
  for (int round = 0; round < 6; ++round) {
    const Reports reports;
    const Reports seen;
    const pid_t parent = ::fork();
    if (parent == 0) {
      for (int i = 0; i < kChildren; ++i) {
        if (::fork() > 0) continue;
        ::setsid();
        reports.Say();
        while (true) ::pause();
      }
      ::waitpid(-1, nullptr, 0);
      seen.Say();
      ::_exit(0);
    }
    for (int i = 0; i < kChildren; ++i) reports.Hear();
    if (round % 2 == 0) {
      KillTree(parent);
      ::waitpid(parent, nullptr, 0);
    } else {
      EXPECT_EQ(KillDescendants(::getpid(), {}, kPatienceMs), 0u);
    }
    pollfd said = {.fd = seen.read_end.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&said, 1, 0), 0) << round;
  }
}

TEST_F(ProcessTreeTest, NothingBelowIsNothingToDo) {
  EXPECT_TRUE(Descendants(::getpid()).empty());
  EXPECT_EQ(KillDescendants(::getpid(), {}, 0), 0u);
}

}  // namespace
}  // namespace rayx
