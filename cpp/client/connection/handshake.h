// The start of a connection to the node: Hello, then Welcome or Refused.
#pragma once

#include <cstdint>
#include <string>

#include "client/connection/frame_stream.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/os/scoped_fd.h"

namespace rayx {

enum class ClientRole { kDriver, kWorker, kOutput, kTemplate, kObserver };

// What a client says of itself.
struct Greeting {
  ClientRole role = ClientRole::kDriver;
  DriverId driver;                  // of a driver's two connections
  WorkerNumber worker = kNoWorker;  // of a worker
  std::string python_version;
  std::string driver_config;
};

// What the node answers.
struct NodeWelcome {
  NodeId node;
  uint64_t pool_bytes = 0;
  // The pool, read-only; for drivers, workers and observers only.
  ScopedFd pool;
};

// InvalidArgument if the greeting is too long for the node to read.
Status SendHello(FrameStream* stream, const Greeting& greeting);

// Sends Hello and waits for the answer, at most limits::kHelloTimeoutMs. ProtocolError with the
// node's reason if it refuses, TimedOut if it is silent.
Result<NodeWelcome> ShakeHands(FrameStream* stream, const Greeting& greeting);

}  // namespace rayx
