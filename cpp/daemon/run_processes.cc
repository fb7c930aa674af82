#include "daemon/run_processes.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "common/base/log.h"
#include "common/io/event_loop.h"
#include "common/os/random_bytes.h"
#include "control/memory_tables.h"
#include "control/redis_tables.h"
#include "daemon/node_daemon.h"

namespace rayx::daemon {
namespace {

std::unique_ptr<control::Tables> MakeTables(EventLoop* loop, const NodeOptions& options) {
  if (options.control_sockets.empty()) return control::MakeMemoryTables();
  std::ifstream file(options.control_password_file);
  control::RedisOptions redis;
  std::getline(file, redis.password);
  for (const std::string& socket : options.control_sockets) redis.shards.push_back({socket});
  return control::MakeRedisTables(loop, redis);
}

// Each worker and driver costs descriptors, and a crowd of connections must not leave none for
// them.
void RaiseDescriptorLimit() {
  constexpr rlim_t kWanted = 65536;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kWanted) return;
  limit.rlim_cur = std::min(kWanted, limit.rlim_max);
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) LogWarning("the descriptor limit stays low");
}

// A peer that closes, and a file that may not grow (`ulimit -f`), are told by the error of the
// write itself.
void IgnoreSignalsOfWrites() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace

int RunNode(NodeOptions options) {
  IgnoreSignalsOfWrites();
  RaiseDescriptorLimit();
  EventLoop loop;
  RandomIdSource ids;
  auto tables = MakeTables(&loop, options);
  NodeDaemon node(&loop, std::move(options), ids.Next<NodeId>(), std::move(tables));
  const Status started = node.Start();
  if (!started.ok()) {
    LogError("the node cannot start: " + started.message());
    return 1;
  }
  loop.Run([&node] { return node.OnTurn(); });
  return 0;
}

int RunSupervisor(SupervisorOptions options) {
  IgnoreSignalsOfWrites();
  const auto self = std::filesystem::canonical("/proc/self/exe");
  if (options.node_program.empty()) {
    options.node_program = (self.parent_path() / "rayx-node").string();
  }
  if (options.global_scheduler_program.empty()) {
    options.global_scheduler_program = (self.parent_path() / "rayx-global-scheduler").string();
  }
  EventLoop loop;
  Supervisor supervisor(&loop, std::move(options));
  const Status started = supervisor.Start();
  if (!started.ok()) {
    supervisor.ReportError(started);
    supervisor.End(started.message());
    return 1;
  }
  loop.Run([] { return false; });
  return 0;
}

}  // namespace rayx::daemon
