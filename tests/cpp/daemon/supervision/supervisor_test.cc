// The real supervisor with a real node: however a session ends, nothing of it stays.
#include "daemon/supervision/supervisor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

#include "common/io/socket.h"
#include "common/io/tcp_port.h"
#include "common/process/child_process.h"
#include "common/process/process_tree.h"
#include "daemon/supervision/respawn_policy.h"
#include "daemon/test_node.h"

namespace rayx {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

// Within which everything must be gone.
constexpr seconds kEndMax{2};

struct SessionOptions {
  pid_t driver_pid = 0;
  std::vector<std::string> arguments;
  std::vector<std::string> node_arguments;
  bool standing = false;
};

// A session whose driver is the test.
class Session {
 public:
  explicit Session(const SessionOptions& options) {
    directory_ = scratch_.path() + "/session";
    ::mkdir(directory_.c_str(), 0700);
    ::chmod(directory_.c_str(), 0700);
    auto stream = SocketPair();
    RAYX_CHECK(stream.ok());
    lifeline_ = std::move(stream->first);
    SpawnOptions spawn;
    spawn.argv = {RAYX_SUPERVISOR_PROGRAM,
                  "--session-dir",
                  directory_,
                  "--lifeline-fd",
                  "3",
                  "--redis-server",
                  RAYX_CONTROL_SERVER_PROGRAM};
    if (options.driver_pid > 0) {
      spawn.argv.insert(spawn.argv.end(), {"--driver-pid", std::to_string(options.driver_pid)});
    }
    if (options.standing) {
      std::ofstream(record()) << "{}";
      spawn.argv.insert(spawn.argv.end(),
                        {"--standing", "--address", "127.0.0.1", "--record", record()});
    }
    spawn.argv.insert(spawn.argv.end(), options.arguments.begin(), options.arguments.end());
    spawn.argv.insert(spawn.argv.end(),
                      {"--", "--num-cpus", "2", "--object-store-memory", "67108864",
                       std::string("--template-arg=") + RAYX_TEMPLATE_PROGRAM});
    spawn.argv.insert(spawn.argv.end(), options.node_arguments.begin(),
                      options.node_arguments.end());
    const ScopedFd log(::open((scratch_.path() + "/supervisor.log").c_str(),
                              O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    ::fchmod(log.get(), 0600);
    spawn.fds = {{log.get(), 1}, {log.get(), 2}, {stream->second.get(), 3}};
    const Result<pid_t> pid = Spawn(spawn);
    RAYX_CHECK_MSG(pid.ok(), pid.status().ToString());
    pid_ = *pid;
  }
  ~Session() {
    if (pid_ > 0 && !HasEnded()) {
      for (const pid_t pid : Descendants(pid_)) ::kill(pid, SIGKILL);
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    if (testing::Test::HasFailure())
      std::fprintf(stderr, "--- supervisor's log\n%s\n", Log().c_str());
  }

  // The next line that the supervisor writes; "" when it closes.
  std::string ReadLine() {
    std::string line;
    char byte = 0;
    while (::read(lifeline_.get(), &byte, 1) == 1) {
      if (byte == '\n') break;
      line.push_back(byte);
    }
    return line;
  }
  void CloseLifeline() { lifeline_.Reset(); }
  // As who starts a standing session does; the port that it holds.
  int Keep() {
    const std::string line = ReadLine();
    EXPECT_TRUE(line.starts_with("ready ")) << line;
    EXPECT_EQ(::write(lifeline_.get(), "keep\n", 5), 5);
    EXPECT_EQ(ReadLine(), "kept");
    EXPECT_EQ(ReadLine(), "") << "the supervisor closes its end";
    CloseLifeline();
    return std::stoi("0" + line.substr(std::min<size_t>(line.size(), 6)));
  }
  bool HasEnded() {
    if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) ended_ = true;
    return ended_;
  }
  // All that is below it now must be gone soon, the directory too.
  void ExpectTotalEnd(const std::vector<pid_t>& below) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(WaitUntil([this] { return HasEnded(); }, kEndMax * 5));
    for (const pid_t pid : below) {
      EXPECT_TRUE(WaitUntil([pid] { return !IsAlive(pid); })) << "pid " << pid << " is left";
    }
    EXPECT_TRUE(WaitUntil([this] { return !fs::exists(directory_); })) << directory_ << " is left";
    EXPECT_LE(std::chrono::steady_clock::now() - start, kEndMax);
  }
  pid_t ChildNamed(const std::string& name) const {
    for (const pid_t pid : Descendants(pid_)) {
      const std::string command = ReadFile("/proc/" + std::to_string(pid) + "/cmdline");
      if (command.substr(0, command.find('\0')).ends_with(name)) return pid;
    }
    return 0;
  }
  std::string Log() const { return ReadFile(scratch_.path() + "/supervisor.log"); }

  pid_t pid() const { return pid_; }
  const std::string& directory() const { return directory_; }
  std::string socket_path() const { return directory_ + "/node.sock"; }
  std::string record() const { return scratch_.path() + "/record"; }
  // Kills the child of this name; the one that has taken its place, once it is there.
  pid_t KillAndAwait(const std::string& name) {
    const pid_t killed = ChildNamed(name);
    EXPECT_GT(killed, 0) << name;
    ::kill(killed, SIGKILL);
    pid_t next = 0;
    EXPECT_TRUE(WaitUntil([&] { return (next = ChildNamed(name)) > 0 && next != killed; })) << name;
    return next;
  }
  // The node serves.
  bool IsServing() const {
    return WaitUntil([this] { return ConnectUnix(socket_path()).ok(); });
  }

 private:
  ScratchDirectory scratch_;
  std::string directory_;
  ScopedFd lifeline_;
  pid_t pid_ = 0;
  bool ended_ = false;
};

// Everything a session has: servers, node, template, workers, and a child that has detached itself
// from its worker.
std::vector<pid_t> FillSession(Session* session, bool kept = false) {
  if (!kept) {
    EXPECT_EQ(session->ReadLine(), "ready");
  }
  TestDriver driver(session->socket_path());
  const pid_t detached = std::stoi(driver.Call("detach"));
  EXPECT_TRUE(IsAlive(detached));
  std::vector<pid_t> below = Descendants(session->pid());
  EXPECT_NE(std::find(below.begin(), below.end(), detached), below.end());
  return below;
}

TEST(Supervisor, AllEndsWhenTheLifelineCloses) {
  Session session({});
  const auto below = FillSession(&session);
  session.CloseLifeline();
  session.ExpectTotalEnd(below);
}

TEST(Supervisor, AllEndsOnSigterm) {
  Session session({});
  const auto below = FillSession(&session);
  ::kill(session.pid(), SIGTERM);
  session.ExpectTotalEnd(below);
}

TEST(Supervisor, AllEndsWhenTheDriverDiesThoughItsChildKeepsTheLifeline) {
  // The test is the child that has the lifeline; this is the driver.
  const pid_t driver = ::fork();
  if (driver == 0) {
    while (true) ::pause();
  }
  Session session({.driver_pid = driver, .arguments = {}, .node_arguments = {}});
  const auto below = FillSession(&session);
  ::kill(driver, SIGKILL);
  ::waitpid(driver, nullptr, 0);
  session.ExpectTotalEnd(below);
}

TEST(Supervisor, TheDriverIsToldWhenTheNodeDies) {
  Session session({});
  const auto below = FillSession(&session);
  const pid_t node = session.ChildNamed("rayx-node");
  ASSERT_GT(node, 0);
  ::kill(node, SIGKILL);
  const std::string line = session.ReadLine();
  EXPECT_TRUE(line.starts_with("error ")) << line;
  EXPECT_NE(line.find("signal 9 (SIGKILL)"), std::string::npos) << line;
  session.ExpectTotalEnd(below);
}

TEST(Supervisor, TheDriverIsToldWhenTheControlServerDies) {
  Session session({});
  const auto below = FillSession(&session);
  const pid_t server = session.ChildNamed("daemon_test_control_server");
  ASSERT_GT(server, 0);
  ::kill(server, SIGKILL);
  const std::string line = session.ReadLine();
  EXPECT_TRUE(line.starts_with("error the control server")) << line;
  session.ExpectTotalEnd(below);
}

TEST(Supervisor, AllEndsWhenTheSupervisorItselfIsKilled) {
  Session session({});
  const auto below = FillSession(&session);
  ::kill(session.pid(), SIGKILL);
  session.ExpectTotalEnd(below);
}

TEST(Supervisor, ANodeThatCannotStartIsToldWithTheEndOfItsLog) {
  Session session({.driver_pid = 0, .arguments = {}, .node_arguments = {"--resource", "nonsense"}});
  const std::string line = session.ReadLine();
  EXPECT_TRUE(line.starts_with("error ")) << line;
  std::string rest;
  for (std::string more; !(more = session.ReadLine()).empty();) rest += more;
  EXPECT_NE((line + rest).find("nonsense"), std::string::npos) << line + rest;
  session.ExpectTotalEnd({});
}

TEST(Supervisor, LogsStayIfOutputIsRedirected) {
  Session session({.driver_pid = 0, .arguments = {"--redirect-output"}, .node_arguments = {}});
  EXPECT_EQ(session.ReadLine(), "ready");
  {
    TestDriver driver(session.socket_path());
    driver.Call("print", "kept\n");
  }
  session.CloseLifeline();
  EXPECT_TRUE(WaitUntil([&] { return session.HasEnded(); }));
  EXPECT_FALSE(fs::exists(session.socket_path()));
  size_t outputs = 0;
  for (const auto& entry : fs::directory_iterator(session.directory() + "/logs")) {
    if (entry.path().extension() == ".out") ++outputs;
  }
  EXPECT_EQ(outputs, 1u);
}

// Modes of all files below `directory` that anyone but their owner could do something with, or
// their owner nothing.
std::string WrongModes(const std::string& directory) {
  std::string wrong;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    struct stat info {};
    if (::lstat(entry.path().c_str(), &info) != 0) continue;
    const mode_t mode = info.st_mode & 07777;
    const mode_t right = S_ISDIR(info.st_mode) ? 0700 : 0600;
    if (mode != right) wrong += entry.path().string() + " " + std::to_string(mode) + "\n";
  }
  return wrong;
}

TEST(Supervisor, FilesArePrivateWhateverTheUmask) {
  for (const mode_t mask : {mode_t{0}, mode_t{0777}}) {
    const mode_t before = ::umask(mask);
    {
      Session session({});
      EXPECT_EQ(session.ReadLine(), "ready");
      {
        TestDriver driver(session.socket_path());
        EXPECT_EQ(driver.Call("echo", "x"), "x");
      }
      EXPECT_EQ(WrongModes(session.directory()), "");
      const auto below = Descendants(session.pid());
      session.CloseLifeline();
      session.ExpectTotalEnd(below);
    }
    ::umask(before);
  }
}

TEST(Supervisor, TheSecretIsInNoCommandLineAndNoEnvironment) {
  Session session({});
  const auto below = FillSession(&session);
  const std::string secret = ReadFile(session.directory() + "/control.password");
  ASSERT_EQ(secret.size(), 64u);
  std::vector<pid_t> all = below;
  all.push_back(session.pid());
  for (const pid_t pid : all) {
    for (const char* file : {"/cmdline", "/environ"}) {
      const std::string text = ReadFile("/proc/" + std::to_string(pid) + file);
      EXPECT_EQ(text.find(secret), std::string::npos) << pid << file;
    }
  }
  for (const auto& entry : fs::directory_iterator(session.directory() + "/logs")) {
    EXPECT_EQ(ReadFile(entry.path()).find(secret), std::string::npos) << entry.path();
  }
  session.CloseLifeline();
  session.ExpectTotalEnd(below);
}

// ---- standing sessions
// ---------------------------------------------------------------------------

const SessionOptions kStanding = {
    .driver_pid = 0, .arguments = {}, .node_arguments = {}, .standing = true};
constexpr char kControlServerName[] = "daemon_test_control_server";
constexpr char kGlobalSchedulerName[] = "rayx-global-scheduler";

TEST(StandingSession, HasAGlobalSchedulerThatIsThereAgainHoweverOftenItDies) {
  Session session(kStanding);
  session.Keep();
  const pid_t node = session.ChildNamed("rayx-node");
  for (int kill = 0; kill <= daemon::RespawnPolicy::kQuickEndsMax; ++kill) {
    session.KillAndAwait(kGlobalSchedulerName);
  }
  const std::string socket = session.directory() + "/scheduler.sock";
  EXPECT_TRUE(WaitUntil([&socket] { return ConnectUnix(socket).ok(); }));
  EXPECT_EQ(session.ChildNamed("rayx-node"), node) << "the session goes on";
  // It stays when the node dies.
  const pid_t scheduler = session.ChildNamed(kGlobalSchedulerName);
  session.KillAndAwait("rayx-node");
  EXPECT_TRUE(session.IsServing());
  EXPECT_EQ(session.ChildNamed(kGlobalSchedulerName), scheduler);
  const auto below = Descendants(session.pid());
  ::kill(session.pid(), SIGTERM);
  session.ExpectTotalEnd(below);
}

TEST(StandingSession, OnlyItHasAGlobalScheduler) {
  Session session({});
  const auto below = FillSession(&session);
  EXPECT_EQ(session.ChildNamed(kGlobalSchedulerName), 0);
  session.CloseLifeline();
  session.ExpectTotalEnd(below);
}

TEST(StandingSession, OutlivesWhoStartsItAndHoldsItsPortUntilItIsStopped) {
  Session session(kStanding);
  const int port = session.Keep();
  EXPECT_EQ(HoldPort("127.0.0.1", static_cast<uint16_t>(port)).status().code(),
            StatusCode::kAlreadyExists);
  {
    TestDriver driver(session.socket_path());
    EXPECT_EQ(driver.Call("echo", "x"), "x");
  }
  const auto below = Descendants(session.pid());
  ::kill(session.pid(), SIGTERM);
  session.ExpectTotalEnd(below);
  EXPECT_TRUE(HoldPort("127.0.0.1", static_cast<uint16_t>(port)).ok());
  EXPECT_FALSE(fs::exists(session.record()));
  EXPECT_FALSE(fs::exists(session.record() + ".ended"));
}

TEST(StandingSession, EndsWithWhoStartsItUntilItIsKept) {
  Session session(kStanding);
  EXPECT_TRUE(session.ReadLine().starts_with("ready "));
  const auto below = Descendants(session.pid());
  session.CloseLifeline();
  session.ExpectTotalEnd(below);
  EXPECT_FALSE(fs::exists(session.record()));
}

TEST(StandingSession, APortInUseIsRefused) {
  const Result<HeldPort> held = HoldPort("127.0.0.1", 0);
  ASSERT_TRUE(held.ok());
  SessionOptions options = kStanding;
  options.arguments = {"--port", std::to_string(held->port)};
  Session session(options);
  EXPECT_EQ(session.ReadLine(),
            "refused port " + std::to_string(held->port) + " of 127.0.0.1 is in use");
  EXPECT_TRUE(WaitUntil([&] { return session.HasEnded(); }));
}

TEST(StandingSession, ANodeThatDiesIsStartedAgainWithNothingOfTheOldOneLeft) {
  Session session(kStanding);
  session.Keep();
  const pid_t server = session.ChildNamed(kControlServerName);
  std::optional<TestDriver> driver(session.socket_path());
  std::vector<pid_t> old = {std::stoi(driver->Call("detach"))};
  for (const pid_t pid : Descendants(session.ChildNamed("rayx-node"))) old.push_back(pid);
  const ScopedFd told(::open((session.directory() + "/node-ending").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(told.valid());

  const pid_t node = session.ChildNamed("rayx-node");
  session.KillAndAwait("rayx-node");
  for (const pid_t pid : old) EXPECT_FALSE(IsAlive(pid)) << pid;
  std::string text(200, '\0');
  text.resize(static_cast<size_t>(std::max<ssize_t>(0, ::read(told.get(), text.data(), 200))));
  EXPECT_TRUE(text.starts_with("the node daemon (pid " + std::to_string(node) +
                               ") was killed by signal 9 (SIGKILL)"))
      << text;
  ASSERT_TRUE(session.IsServing());
  EXPECT_EQ(ReadFile(session.directory() + "/node-ending"), "");
  EXPECT_EQ(session.ChildNamed(kControlServerName), server);
  driver.emplace(session.socket_path());
  EXPECT_EQ(driver->Call("echo", "again"), "again");
  const auto below = Descendants(session.pid());
  ::kill(session.pid(), SIGTERM);
  session.ExpectTotalEnd(below);
}

TEST(StandingSession, AControlServerThatDiesIsStartedAgainAndTheNodeGoesOn) {
  Session session(kStanding);
  session.Keep();
  TestDriver driver(session.socket_path());
  const pid_t node = session.ChildNamed("rayx-node");
  session.KillAndAwait(kControlServerName);
  EXPECT_EQ(driver.Call("echo", "x"), "x");
  EXPECT_EQ(session.ChildNamed("rayx-node"), node);
  const auto below = Descendants(session.pid());
  ::kill(session.pid(), SIGTERM);
  session.ExpectTotalEnd(below);
}

TEST(StandingSession, WhatDiesAgainAndAgainEndsItAndTheReasonStays) {
  Session session(kStanding);
  session.Keep();
  for (int i = 1; i < daemon::RespawnPolicy::kQuickEndsMax; ++i) {
    session.KillAndAwait(kControlServerName);
  }
  const auto below = Descendants(session.pid());
  ::kill(session.ChildNamed(kControlServerName), SIGKILL);
  session.ExpectTotalEnd(below);
  EXPECT_TRUE(fs::exists(session.record()));
  const std::string why = ReadFile(session.record() + ".ended");
  EXPECT_NE(why.find("died 5 times, each within 10 seconds of its start"), std::string::npos)
      << why;
  EXPECT_NE(why.find("the control server (pid "), std::string::npos) << why;
}

TEST(StandingSession, AllEndsWhenTheSupervisorIsKilled) {
  Session session(kStanding);
  session.Keep();
  const auto below = FillSession(&session, /*kept=*/true);
  ::kill(session.pid(), SIGKILL);
  session.ExpectTotalEnd(below);
}

}  // namespace
}  // namespace rayx
