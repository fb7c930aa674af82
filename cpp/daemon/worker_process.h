// What the node knows of one worker process.
//
//   Forking ──WorkerForked──▶ Starting ──Hello──▶ Serving ──▶ Ending ──▶ gone
//      └──────────(fork failed, template died, no hello in time)──┘
//
// Ending: its socket is closed, or its end was reported, but not both. It is gone when what it had
// sent has been read and its end is known, so that the cause of death can be told.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "common/base/ids.h"
#include "common/io/claim_word.h"
#include "common/io/event_loop.h"
#include "daemon/line_pipe.h"
#include "daemon/line_tail.h"
#include "scheduler/effects.h"

namespace rayx::daemon {

enum class WorkerState { kForking, kStarting, kServing, kEnding };

struct WorkerProcess {
  explicit WorkerProcess(ClaimWord word) : claim(std::move(word)) {}

  scheduler::WorkerNumber number = 0;
  WorkerState state = WorkerState::kForking;
  pid_t pid = 0;  // 0 until forked
  ClientId session = 0;
  ClaimWord claim;
  // Set by the first task of a driver, which brings the driver's configuration.
  bool has_driver_config = false;
  // How many of the driver's setups it has been told.
  size_t setups_told = 0;
  // The name of the function it was given last, for output that comes between tasks.
  std::string last_function;

  std::unique_ptr<LinePipe> out;
  std::unique_ptr<LinePipe> err;
  LineTail tail;

  bool has_said_hello = false;
  bool socket_closed = false;
  // It closed its socket and lived on, so we killed it.
  bool killed_for_socket = false;
  std::optional<int> wait_status;
  // We ended it; its death is no failure.
  bool stopped = false;
  // Bounds the start, later the wait for the other half of its end.
  std::unique_ptr<EventLoop::Timer> timer;
};

}  // namespace rayx::daemon
