#include "command_lines/node_command_line.h"

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "command_lines/option_reader.h"
#include "common/base/resources.h"
#include "common/base/status.h"

namespace rayx::command_lines {
namespace {

Status SetAmount(const std::string& name, double value, ResourceSet* total) {
  const auto amount = ResourceAmount::FromDouble(value);
  if (!amount.ok()) return amount.status();
  total->Set(name, amount.value());
  return Status::Ok();
}

// "name=amount" into the set.
Status SetResource(const std::string& text, ResourceSet* total) {
  const size_t equals = text.find('=');
  double amount = 0;
  const char* const end = text.data() + text.size();
  if (equals == 0 || equals == std::string::npos ||
      std::from_chars(text.data() + equals + 1, end, amount).ptr != end) {
    return Status::InvalidArgument("expected NAME=AMOUNT, got '" + text + "'");
  }
  return SetAmount(text.substr(0, equals), amount, total);
}

void AddNetworkOptions(OptionReader* reader, daemon::NetworkOptions* network) {
  reader->Add("--port-fd", &network->port_fd,
              "Socket that holds the node's port for other machines; without it, it is alone");
  reader->Add("--port", &network->address.port, "The number of that port, of the --host");
  reader->Add("--key-file", &network->key_file,
              "File with the cluster's key; without it nothing is encrypted");
  reader->Add("--python-version", &network->python_version,
              "That of the workers, as in 3.11, which all nodes must have");
  reader->Add("--cluster", &network->cluster, "Of the head: the cluster's id");
  reader->Add("--join", &network->head, "HOST:PORT of the head whose cluster the node joins");
  reader->Add("--head-patience-ms", &network->head_patience_ms,
              "For how long a head that does not answer is asked");
}

}  // namespace

NodeCommandLine ReadNodeCommandLine(int argc, char** argv) {
  NodeCommandLine read;
  double num_cpus = 1;
  double num_gpus = 0;
  std::vector<std::string> resources;
  OptionReader reader(
      "rayx-node",
      "object store, local scheduler and worker pool of one machine.\n"
      "Started by rayx.init(); rarely by hand. Ends on SIGTERM, prints its state to the log on "
      "SIGUSR1.");
  reader.AddRequired(
      "--session-dir", &read.options.session_dir,
      "Private directory (mode 0700) of the session; the node listens at node.sock in it");
  reader.Add("--host", &read.options.host, "The address by which the session knows this node");
  reader.Add("--num-cpus", &num_cpus, "CPUs that tasks may use at a time");
  reader.Add("--num-gpus", &num_gpus, "GPUs that tasks may use at a time");
  reader.Add("--resource", &resources, "A custom resource as NAME=AMOUNT; may be repeated");
  reader.AddRequired("--object-store-memory", &read.options.pool_bytes,
                     "Bytes of shared memory for objects; only what is used is taken");
  reader.Add("--busy-cpus", &read.options.busy_cpus,
             "CPUs that may be kept busy by who waits for an answer that comes soon");
  reader.Add("--num-workers", &read.options.prestart_workers,
             "Workers started at once, and idle workers kept");
  reader.AddRequired("--template-arg", &read.options.template_command,
                     "Program and arguments of the worker template, one --template-arg each");
  reader.Add(
      "--lifeline-fd", &read.options.lifeline_fd,
      "Stream to the supervisor: 'ready' is written to it, and the node ends when it closes");
  reader.Add("--control-socket", &read.options.control_sockets,
             "Unix socket of a control server, the primary first");
  reader.Add("--control-password-file", &read.options.control_password_file,
             "File with the password of the control servers");
  AddNetworkOptions(&reader, &read.options.network);
  reader.Add("--drain-grace-ms", &read.options.drain_grace_ms,
             "How long it is drained at most when it is to leave its cluster");
  reader.Add("--leave-at-ms", &read.options.leave_at_ms,
             "When it has left its cluster, having been drained, by CLOCK_MONOTONIC; 0: never");
  reader.Add("--redirect-output", &read.options.redirect_output,
             "Workers' output goes to files in the session's log directory");
  reader.Add("--verbose", &read.verbose, "Log at level debug");
  read.exit_code = reader.Read(argc, argv);
  if (read.exit_code) return read;
  if (!IsDirectory(read.options.session_dir)) {
    read.exit_code = reader.Refuse("no directory: " + read.options.session_dir);
    return read;
  }
  const auto note = [&read, &reader](const std::string& option, const Status& set) {
    if (!set.ok() && !read.exit_code) {
      read.exit_code = reader.Refuse(option + ": " + set.message());
    }
  };
  for (const auto& resource : resources) {
    note("--resource", SetResource(resource, &read.options.total));
  }
  note("--num-cpus", SetAmount(std::string(kCpu), num_cpus, &read.options.total));
  note("--num-gpus", SetAmount(std::string(kGpu), num_gpus, &read.options.total));
  read.options.network.address.host = read.options.host;
  // The pool is handed out in aligned pieces.
  read.options.pool_bytes &= ~uint64_t{4095};
  return read;
}

}  // namespace rayx::command_lines
