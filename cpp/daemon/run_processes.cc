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
#include "control/redis_tables.h"
#include "daemon/network/node_network.h"
#include "daemon/node_daemon.h"
#include "daemon/supervision/supervisor.h"

namespace rayx::daemon {
namespace {

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

// Where the node finds the tables.
control::RedisOptions ServersOf(const NodeOptions& options, NodeNetwork* network) {
  control::RedisOptions servers;
  if (network != nullptr && options.network.joins()) {
    servers.shards = network->ServersThroughHead();
    return servers;
  }
  std::ifstream file(options.control_password_file);
  std::getline(file, servers.password);
  for (const std::string& socket : options.control_sockets) {
    servers.shards.push_back({.unix_path = socket});
  }
  return servers;
}

int Fail(const NodeOptions& options, const Status& why) {
  LogError("the node cannot start: " + why.message());
  if (why.code() == StatusCode::kInvalidArgument || why.code() == StatusCode::kUnavailable) {
    (void)TellSupervisor(options, "refused " + why.message());
  }
  return 1;
}

}  // namespace

int RunNode(NodeOptions options, const TablesMaker& make_tables) {
  IgnoreSignalsOfWrites();
  RaiseDescriptorLimit();
  EventLoop loop;
  RandomIdSource ids;
  const auto id = ids.Next<NodeId>();
  std::unique_ptr<NodeNetwork> network;
  if (!options.network.is_alone()) {
    auto opened = NodeNetwork::Open(&loop, options.network, id);
    if (!opened.ok()) return Fail(options, opened.status());
    network = std::move(*opened);
  }
  const control::RedisOptions servers = ServersOf(options, network.get());
  auto tables =
      make_tables ? make_tables(&loop, servers) : control::MakeRedisTables(&loop, servers);
  NodeDaemon node(&loop, options, id, std::move(tables), std::move(network));
  const Status started = node.Start(control::EndpointsOf(servers));
  if (!started.ok()) return Fail(options, started);
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
