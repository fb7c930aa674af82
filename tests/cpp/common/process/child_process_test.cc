#include "common/process/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "testing/open_fds.h"

namespace rayx {
namespace {

constexpr int kPatienceMs = 10'000;

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_end.Reset(ends[0]);
    write_end.Reset(ends[1]);
  }
  // All that was written until every writer closed.
  std::string ReadToEnd() {
    write_end.Reset();
    std::string text;
    char piece[4096];
    while (true) {
      const ssize_t bytes = ::read(read_end.get(), piece, sizeof(piece));
      if (bytes <= 0) return text;
      text.append(piece, static_cast<size_t>(bytes));
    }
  }
  ScopedFd read_end;
  ScopedFd write_end;
};

int Reap(pid_t pid) {
  int wait_status = -1;
  EXPECT_EQ(::waitpid(pid, &wait_status, 0), pid);
  return wait_status;
}

// The output of a shell command run with these options.
std::string OutputOf(const std::string& command, SpawnOptions options = {}) {
  Pipe output;
  options.argv = {"sh", "-c", command};
  options.fds.emplace_back(output.write_end.get(), 1);
  Result<pid_t> pid = Spawn(options);
  EXPECT_TRUE(pid.ok()) << pid.status().ToString();
  if (!pid.ok()) return "";
  std::string text = output.ReadToEnd();
  Reap(*pid);
  return text;
}

TEST(ChildProcessTest, ExitCodeArrives) {
  SpawnOptions options;
  options.argv = {"sh", "-c", "exit 3"};
  Result<pid_t> pid = Spawn(options);
  ASSERT_TRUE(pid.ok()) << pid.status().ToString();
  EXPECT_EQ(DescribeWaitStatus(Reap(*pid)), "exited with code 3");
}

TEST(ChildProcessTest, MissingProgramIsAnErrorThatNamesIt) {
  const size_t before = OpenFdCount();
  for (const char* name : {"rayx-no-such-program", "/no/such/program"}) {
    SpawnOptions options;
    options.argv = {name};
    Result<pid_t> pid = Spawn(options);
    ASSERT_FALSE(pid.ok());
    EXPECT_EQ(pid.status().code(), StatusCode::kIoError);
    EXPECT_NE(pid.status().message().find(name), std::string::npos) << pid.status().message();
    EXPECT_NE(pid.status().message().find("No such file"), std::string::npos);
  }
  EXPECT_EQ(OpenFdCount(), before);
  EXPECT_LT(::waitpid(-1, nullptr, WNOHANG), 0) << "no child is left to reap";
  EXPECT_FALSE(Spawn({}).ok());
}

TEST(ChildProcessTest, MissingDirectoryIsAnError) {
  SpawnOptions options;
  options.argv = {"true"};
  options.directory = "/no/such/directory";
  Result<pid_t> pid = Spawn(options);
  ASSERT_FALSE(pid.ok());
  EXPECT_NE(pid.status().message().find("chdir"), std::string::npos);
}

TEST(ChildProcessTest, DirectoryAndEnvironment) {
  ::setenv("RAYX_TEST_KEPT", "kept", 1);
  ::setenv("RAYX_TEST_REMOVED", "here", 1);
  ::setenv("RAYX_TEST_CHANGED", "old", 1);
  SpawnOptions options;
  options.directory = "/";
  options.environment = {{"RAYX_TEST_REMOVED", std::nullopt}, {"RAYX_TEST_CHANGED", "new"}};
  EXPECT_EQ(OutputOf("pwd; echo $RAYX_TEST_KEPT-$RAYX_TEST_REMOVED-$RAYX_TEST_CHANGED", options),
            "/\nkept--new\n");
}

TEST(ChildProcessTest, OnlyGivenDescriptorsAreOpen) {
  // Not close-on-exec, as a library of the host program may have opened it.
  const ScopedFd careless(::open("/dev/null", O_RDONLY));
  Pipe third;
  SpawnOptions options;
  options.fds = {{third.write_end.get(), 7}};
  // The shell's own descriptor of the listing is excluded by the glob being expanded before `echo`
  // runs.
  EXPECT_EQ(OutputOf("for fd in /proc/$$/fd/*; do [ -e $fd ] && echo ${fd##*/}; done", options),
            "0\n1\n2\n7\n");
  EXPECT_EQ(OutputOf("readlink /proc/self/fd/0 /proc/self/fd/2"), "/dev/null\n/dev/null\n");
}

TEST(ChildProcessTest, TargetsMayBeTheNumbersOfOtherSources) {
  Pipe first;
  Pipe second;
  SpawnOptions options;
  options.argv = {"sh", "-c",
                  "echo one >&" + std::to_string(second.write_end.get()) + "; echo two >&" +
                      std::to_string(first.write_end.get())};
  // Crossed over.
  options.fds = {{first.write_end.get(), second.write_end.get()},
                 {second.write_end.get(), first.write_end.get()}};
  Result<pid_t> pid = Spawn(options);
  ASSERT_TRUE(pid.ok());
  EXPECT_EQ(first.ReadToEnd(), "one\n");
  EXPECT_EQ(second.ReadToEnd(), "two\n");
  Reap(*pid);
}

TEST(ChildProcessTest, SignalsStartAfresh) {
  struct sigaction ignore {};
  struct sigaction old {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &old);
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  const std::string text = OutputOf("grep -E '^Sig(Blk|Ign)' /proc/self/status");
  sigset_t after;
  ::sigprocmask(SIG_SETMASK, &before, &after);
  ::sigaction(SIGPIPE, &old, nullptr);
  ASSERT_EQ(text.substr(0, 33), "SigBlk:\t0000000000000000\nSigIgn:\t");
  // Signals 32 and 33 are the C library's own: whoever started this test may have had them ignored,
  // and no sigaction of a program can change that.
  constexpr uint64_t kOfTheLibrary = uint64_t{3} << 31;
  EXPECT_EQ(std::stoull(text.substr(33), nullptr, 16) & ~kOfTheLibrary, 0u) << text;
  EXPECT_EQ(::sigismember(&after, SIGTERM), 1) << "ours are as before";
}

TEST(ChildProcessTest, SessionOfItsOwnOnlyIfAsked) {
  SpawnOptions options;
  options.new_session = false;
  EXPECT_EQ(OutputOf("cut -d' ' -f6 /proc/self/stat", options), std::to_string(::getsid(0)) + "\n");
  EXPECT_NE(OutputOf("cut -d' ' -f6 /proc/self/stat"), std::to_string(::getsid(0)) + "\n");
}

TEST(ChildProcessTest, ChildDiesWithItsParent) {
  // The grandchild holds the pipe open for as long as it lives.
  Pipe alive;
  const pid_t parent = ::fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    SpawnOptions options;
    options.argv = {"sleep", "1000"};
    options.fds = {{alive.write_end.get(), 5}};
    const bool started = Spawn(options).ok();
    ::_exit(started ? 0 : 1);
  }
  EXPECT_EQ(Reap(parent), 0);
  alive.write_end.Reset();
  pollfd wait{alive.read_end.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, kPatienceMs), 1) << "the grandchild outlived its parent";
}

TEST(ChildProcessTest, PidFdTellsTheEnd) {
  Pipe input;
  SpawnOptions options;
  options.argv = {"cat"};
  options.fds = {{input.read_end.get(), 0}};
  Result<pid_t> pid = Spawn(options);
  ASSERT_TRUE(pid.ok());
  Result<ScopedFd> fd = OpenPidFd(*pid);
  ASSERT_TRUE(fd.ok()) << fd.status().ToString();
  pollfd wait{fd->get(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 0), 0);
  input.write_end.Reset();
  EXPECT_EQ(::poll(&wait, 1, kPatienceMs), 1);
  Reap(*pid);
  EXPECT_EQ(OpenPidFd(*pid).status().code(), StatusCode::kNotFound);
}

TEST(ChildProcessTest, WaitStatusInWords) {
  SpawnOptions options;
  options.argv = {"sh", "-c", "kill -9 $$"};
  Result<pid_t> pid = Spawn(options);
  ASSERT_TRUE(pid.ok());
  EXPECT_EQ(DescribeWaitStatus(Reap(*pid)), "was killed by signal 9 (SIGKILL)");
}

}  // namespace
}  // namespace rayx
