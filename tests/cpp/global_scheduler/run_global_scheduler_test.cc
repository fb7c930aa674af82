// The real process, killed again and again while modelled nodes have work for it.
#include "global_scheduler/run_global_scheduler.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <numeric>

#include "common/process/child_process.h"
#include "global_scheduler/turning_loop.h"

namespace rayx::global_scheduler {
namespace {

class Process {
 public:
  explicit Process(const std::string& directory) {
    SpawnOptions spawn;
    spawn.argv = {RAYX_GLOBAL_SCHEDULER_PROGRAM, "--session-dir", directory};
    spawn.parent_death_signal = SIGKILL;
    const Result<pid_t> pid = Spawn(spawn);
    RAYX_CHECK_MSG(pid.ok(), pid.status().ToString());
    pid_ = *pid;
  }
  ~Process() { End(SIGKILL); }
  // Its exit status.
  int End(int signal) {
    if (pid_ == 0) return 0;
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_ = 0;
};

uint64_t Ended(const TurningLoop& turning) {
  return std::accumulate(turning.nodes().begin(), turning.nodes().end(), uint64_t{0},
                         [](uint64_t sum, const auto& node) { return sum + node->ended(); });
}

TEST(RunGlobalScheduler, EndsWhenItIsTold) {
  TurningLoop turning;
  Process process(turning.directory());
  ModelledNode* const node = turning.AddNode(1, 1);
  ASSERT_TRUE(turning.RunUntil([node] { return node->link().ready(); }));
  const int status = process.End(SIGTERM);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(RunGlobalScheduler, KilledTwentyTimesUnderLoadNothingIsLostOrDoubled) {
  constexpr uint64_t kNodes = 8;
  constexpr uint64_t kTasks = 20'000;
  constexpr int kKills = 20;
  TurningLoop turning;
  auto process = std::make_unique<Process>(turning.directory());
  for (uint64_t number = 1; number <= kNodes; ++number) turning.AddNode(number, 4);
  for (uint64_t task = 0; task < kTasks; ++task) {
    turning.nodes()[task % kNodes]->Submit(1 + task, 1);
  }
  // Work that has nothing to do with it: a timer that should come every 10 ms.
  int64_t late_ms = 0;
  std::unique_ptr<EventLoop::Timer> timer;
  std::function<void()> local_work = [&] {
    const int64_t due_ms = turning.loop()->now_ms() + 10;
    timer = turning.loop()->CallAt(due_ms, [&, due_ms] {
      late_ms = std::max(late_ms, turning.loop()->now_ms() - due_ms);
      local_work();
    });
  };
  local_work();
  for (uint64_t kill = 1; kill <= kKills; ++kill) {
    // There is work left behind the last one.
    ASSERT_TRUE(
        turning.RunUntil([&] { return Ended(turning) >= kill * kTasks / (kKills + 5); }, 60'000));
    process->End(SIGKILL);
    process = std::make_unique<Process>(turning.directory());
  }
  ASSERT_LT(Ended(turning), kTasks);
  ASSERT_TRUE(turning.RunUntil([&] { return Ended(turning) == kTasks; }, 60'000));
  for (const auto& node : turning.nodes()) {
    EXPECT_EQ(node->link().open(), 0u);
    EXPECT_EQ(node->runs().size(), kTasks / kNodes) << "a task was lost";
    for (const auto& [task, runs] : node->runs()) {
      ASSERT_EQ(runs.size(), 1u) << "a task was placed twice";
    }
    // All nodes came back within their time.
    EXPECT_TRUE(node->dead().empty());
  }
  EXPECT_LT(late_ms, 2000);
}

}  // namespace
}  // namespace rayx::global_scheduler
