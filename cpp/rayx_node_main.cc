// rayx-node: the daemon of one machine. Object store, local scheduler and worker pool on one loop.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/resources.h"
#include "daemon/run_processes.h"

// Read by jemalloc, before main: one thread needs one arena, and what is unused for a second goes
// back to the operating system, by a thread of jemalloc's, whether or not the node has work.
extern "C" {
const char* malloc_conf = "narenas:1,background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";
}

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
  app.add_option(
         "--session-dir", options.session_dir,
         "Private directory (mode 0700) of the session; the node listens at node.sock in it")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--host", options.host, "The address by which the session knows this node");
  app.add_option("--num-cpus", num_cpus, "CPUs that tasks may use at a time");
  app.add_option("--num-gpus", num_gpus, "GPUs that tasks may use at a time");
  app.add_option("--resource", resources, "A custom resource as NAME=AMOUNT; may be repeated");
  app.add_option("--object-store-memory", options.pool_bytes,
                 "Bytes of shared memory for objects; only what is used is taken")
      ->required();
  app.add_option("--busy-cpus", options.busy_cpus,
                 "CPUs that may be kept busy by who waits for an answer that comes soon");
  app.add_option("--num-workers", options.prestart_workers,
                 "Workers started at once, and idle workers kept");
  app.add_option("--template-arg", options.template_command,
                 "Program and arguments of the worker template, one --template-arg each")
      ->required();
  app.add_option(
      "--lifeline-fd", options.lifeline_fd,
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

  rayx::StartLog("node", verbose ? rayx::LogLevel::kDebug : rayx::LogLevel::kInfo);
  return rayx::daemon::RunNode(options);
}
