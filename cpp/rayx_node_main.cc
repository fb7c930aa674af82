// rayx-node: the daemon of one machine. Object store, local scheduler and worker pool on one loop.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/io/event_loop.h"
#include "common/io/random_bytes.h"
#include "control/memory_tables.h"
#include "control/redis_tables.h"
#include "daemon/node_daemon.h"

namespace {

using rayx::ResourceAmount;
using rayx::daemon::NodeOptions;

// "name=amount" into the set. Throws what the command line library reports.
void AddResource(const std::string& text, rayx::ResourceSet* total) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) {
    throw CLI::ValidationError("--resource", "expected NAME=AMOUNT, got '" + text + "'");
  }
  const auto amount = ResourceAmount::FromDouble(std::stod(text.substr(equals + 1)));
  if (!amount.ok()) throw CLI::ValidationError("--resource", amount.status().message());
  total->Set(text.substr(0, equals), amount.value());
}

std::unique_ptr<rayx::control::Tables> MakeTables(rayx::EventLoop* loop,
                                                  const NodeOptions& options) {
  if (options.control_sockets.empty()) return rayx::control::MakeMemoryTables();
  std::ifstream file(options.control_password_file);
  rayx::control::RedisOptions redis;
  std::getline(file, redis.password);
  for (const std::string& socket : options.control_sockets) redis.shards.push_back({socket});
  return rayx::control::MakeRedisTables(loop, redis);
}

// Each worker and driver costs descriptors, and a crowd of connections must not leave none for them.
void RaiseDescriptorLimit() {
  constexpr rlim_t kWanted = 65536;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kWanted) return;
  limit.rlim_cur = std::min(kWanted, limit.rlim_max);
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) rayx::LogWarning("the descriptor limit stays low");
}

}  // namespace

int main(int argc, char** argv) {
  NodeOptions options;
  double num_cpus = 1;
  double num_gpus = 0;
  std::vector<std::string> resources;
  bool verbose = false;
  CLI::App app{
      "rayx-node: object store, local scheduler and worker pool of one machine.\n"
      "Started by rayx.init(); rarely by hand. Ends on SIGTERM, prints its state to the log on "
      "SIGUSR1."};
  app.add_option("--session-dir", options.session_dir,
                 "Private directory (mode 0700) of the session; the node listens at node.sock in it")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--num-cpus", num_cpus, "CPUs that tasks may use at a time");
  app.add_option("--num-gpus", num_gpus, "GPUs that tasks may use at a time");
  app.add_option("--resource", resources, "A custom resource as NAME=AMOUNT; may be repeated");
  app.add_option("--object-store-memory", options.pool_bytes,
                 "Bytes of shared memory for objects; only what is used is taken")
      ->required();
  app.add_option("--num-workers", options.prestart_workers,
                 "Workers started at once, and idle workers kept");
  app.add_option("--template-arg", options.template_command,
                 "Program and arguments of the worker template, one --template-arg each")
      ->required();
  app.add_option("--lifeline-fd", options.lifeline_fd,
                 "Stream to the supervisor: 'ready' is written to it, and the node ends when it closes");
  app.add_option("--control-socket", options.control_sockets,
                 "Unix socket of a control server, the primary first; none: tables in memory");
  app.add_option("--control-password-file", options.control_password_file,
                 "File with the password of the control servers");
  app.add_flag("--redirect-output", options.redirect_output,
               "Workers' output goes to files in the session's log directory");
  app.add_flag("--verbose", verbose, "Log at level debug");
  try {
    app.parse(argc, argv);
    for (const std::string& resource : resources) AddResource(resource, &options.total);
    const auto cpus = ResourceAmount::FromDouble(num_cpus);
    const auto gpus = ResourceAmount::FromDouble(num_gpus);
    if (!cpus.ok()) throw CLI::ValidationError("--num-cpus", cpus.status().message());
    if (!gpus.ok()) throw CLI::ValidationError("--num-gpus", gpus.status().message());
    options.total.Set(rayx::kCpu, cpus.value());
    options.total.Set(rayx::kGpu, gpus.value());
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    std::cerr << "rayx-node: " << error.what() << "\n";
    return 2;
  }
  // The pool is handed out in aligned pieces.
  options.pool_bytes &= ~uint64_t{4095};

  ::signal(SIGPIPE, SIG_IGN);
  rayx::StartLog("node", verbose ? rayx::LogLevel::kDebug : rayx::LogLevel::kInfo);
  RaiseDescriptorLimit();
  rayx::EventLoop loop;
  rayx::RandomIdSource ids;
  auto tables = MakeTables(&loop, options);
  rayx::daemon::NodeDaemon node(&loop, options, ids.Next<rayx::NodeId>(), std::move(tables));
  const rayx::Status started = node.Start();
  if (!started.ok()) {
    rayx::LogError("the node cannot start: " + started.message());
    return 1;
  }
  loop.Run([&node] { return node.OnTurn(); });
  return 0;
}
