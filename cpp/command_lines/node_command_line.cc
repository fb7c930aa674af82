#include "command_lines/node_command_line.h"

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "common/base/resources.h"

namespace rayx::command_lines {
namespace {

// "name=amount" into the set. Throws what the command line library reports.
void AddResource(const std::string& text, ResourceSet* total) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) {
    throw CLI::ValidationError("--resource", "expected NAME=AMOUNT, got '" + text + "'");
  }
  const auto amount = ResourceAmount::FromDouble(std::stod(text.substr(equals + 1)));
  if (!amount.ok()) throw CLI::ValidationError("--resource", amount.status().message());
  total->Set(text.substr(0, equals), amount.value());
}

void AddNetworkOptions(CLI::App* app, daemon::NetworkOptions* network) {
  app->add_option("--port-fd", network->port_fd,
                  "Socket that holds the node's port for other machines; without it, it is alone");
  app->add_option("--port", network->address.port, "The number of that port, of the --host");
  app->add_option("--key-file", network->key_file,
                  "File with the cluster's key; without it nothing is encrypted");
  app->add_option("--python-version", network->python_version,
                  "That of the workers, as in 3.11, which all nodes must have");
  app->add_option("--cluster", network->cluster, "Of the head: the cluster's id");
  app->add_option("--join", network->head, "HOST:PORT of the head whose cluster the node joins");
  app->add_option("--head-patience-ms", network->head_patience_ms,
                  "For how long a head that does not answer is asked");
}

}  // namespace

NodeCommandLine ReadNodeCommandLine(int argc, char** argv) {
  NodeCommandLine read;
  double num_cpus = 1;
  double num_gpus = 0;
  std::vector<std::string> resources;
  CLI::App app{
      "rayx-node: object store, local scheduler and worker pool of one machine.\n"
      "Started by rayx.init(); rarely by hand. Ends on SIGTERM, prints its state to the log on "
      "SIGUSR1."};
  app.add_option(
         "--session-dir", read.options.session_dir,
         "Private directory (mode 0700) of the session; the node listens at node.sock in it")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--host", read.options.host, "The address by which the session knows this node");
  app.add_option("--num-cpus", num_cpus, "CPUs that tasks may use at a time");
  app.add_option("--num-gpus", num_gpus, "GPUs that tasks may use at a time");
  app.add_option("--resource", resources, "A custom resource as NAME=AMOUNT; may be repeated");
  app.add_option("--object-store-memory", read.options.pool_bytes,
                 "Bytes of shared memory for objects; only what is used is taken")
      ->required();
  app.add_option("--busy-cpus", read.options.busy_cpus,
                 "CPUs that may be kept busy by who waits for an answer that comes soon");
  app.add_option("--num-workers", read.options.prestart_workers,
                 "Workers started at once, and idle workers kept");
  app.add_option("--template-arg", read.options.template_command,
                 "Program and arguments of the worker template, one --template-arg each")
      ->required();
  app.add_option(
      "--lifeline-fd", read.options.lifeline_fd,
      "Stream to the supervisor: 'ready' is written to it, and the node ends when it closes");
  app.add_option("--control-socket", read.options.control_sockets,
                 "Unix socket of a control server, the primary first");
  app.add_option("--control-password-file", read.options.control_password_file,
                 "File with the password of the control servers");
  AddNetworkOptions(&app, &read.options.network);
  app.add_flag("--redirect-output", read.options.redirect_output,
               "Workers' output goes to files in the session's log directory");
  app.add_flag("--verbose", read.verbose, "Log at level debug");
  try {
    app.parse(argc, argv);
    for (const std::string& resource : resources) AddResource(resource, &read.options.total);
    const auto cpus = ResourceAmount::FromDouble(num_cpus);
    const auto gpus = ResourceAmount::FromDouble(num_gpus);
    if (!cpus.ok()) throw CLI::ValidationError("--num-cpus", cpus.status().message());
    if (!gpus.ok()) throw CLI::ValidationError("--num-gpus", gpus.status().message());
    read.options.total.Set(kCpu, cpus.value());
    read.options.total.Set(kGpu, gpus.value());
  } catch (const CLI::ParseError& error) {
    read.exit_code = app.exit(error);
  } catch (const std::exception& error) {
    std::cerr << "rayx-node: " << error.what() << "\n";
    read.exit_code = 2;
  }
  read.options.network.address.host = read.options.host;
  // The pool is handed out in aligned pieces.
  read.options.pool_bytes &= ~uint64_t{4095};
  return read;
}

}  // namespace rayx::command_lines
