// What a node has to know to be one of several.
#pragma once

#include <cstdint>
#include <string>

#include "common/io/host_port.h"

namespace rayx::daemon {

struct NetworkOptions {
  // The socket that the supervisor holds, at this address. -1: the node is alone.
  int port_fd = -1;
  HostPort address;
  // The file with the cluster's key. Empty: whoever reaches the port is let in, and nothing is
  // encrypted.
  std::string key_file;
  // "3.11", of the workers: nodes run each other's functions.
  std::string python_version;
  // Of the head: the id of its cluster, in hexadecimal digits.
  std::string cluster;
  // Of a node that joins: the head's HOST:PORT.
  std::string head;
  // For how long a node that joins asks a head that does not answer.
  int64_t head_patience_ms = 0;

  bool is_alone() const { return port_fd < 0; }
  bool joins() const { return !head.empty(); }
};

}  // namespace rayx::daemon
