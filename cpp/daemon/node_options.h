// The options of a node daemon; rayx_node_main.cc fills them from the command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/resources.h"
#include "common/base/status.h"
#include "daemon/network/network_options.h"

namespace rayx::daemon {

struct NodeOptions {
  // The session's private directory (mode 0700). The node listens at <session_dir>/node.sock.
  std::string session_dir;
  // The address by which the session knows this node.
  std::string host = "127.0.0.1";
  ResourceSet total;
  uint64_t pool_bytes = 0;
  // How many CPUs processes may keep busy while they wait for an answer that comes soon. They do so
  // only while no more threads than that want to run on the whole machine. 0: never.
  size_t busy_cpus = 0;
  // Workers started at once, and idle workers kept.
  size_t prestart_workers = 0;
  // The worker template's program and arguments.
  std::vector<std::string> template_command;
  // A stream to the supervisor; the node ends when it closes. -1: none. Lines that the node writes:
  // "ready"; before that "refused <why>" if whoever starts it has to change something; "ends <why>"
  // and "over <why>" before it ends by itself: the latter if it is of no use to start it again;
  // "draining" when it begins to be drained, and "drained <why>" at the end of that. The supervisor
  // writes "drain" to have it drained.
  int lifeline_fd = -1;
  // Sockets of the control servers, the primary first.
  std::vector<std::string> control_sockets;
  // A file with the control servers' password.
  std::string control_password_file;
  // How it is one node of several; alone unless set.
  NetworkOptions network;
  // How it is drained, as DrainService has it.
  int64_t drain_grace_ms = 30'000;
  int64_t leave_at_ms = 0;
  // Workers' output goes to files in <session_dir>/logs instead of to the drivers.
  bool redirect_output = false;
};

// Writes a line to the supervisor; nothing happens if there is none.
Status TellSupervisor(const NodeOptions& options, const std::string& line);

}  // namespace rayx::daemon
