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

#include "common/base/ids.h"
#include "common/io/event_loop.h"
#include "common/shm/claim_word.h"
#include "daemon/workers/line_pipe.h"
#include "daemon/workers/line_tail.h"
#include "node/shell.h"

namespace rayx::daemon {

enum class WorkerState { kForking, kStarting, kServing, kEnding };

struct WorkerProcess : node::Worker {
  explicit WorkerProcess(ClaimWord word) : claim(std::move(word)) {}

  WorkerState state = WorkerState::kForking;
  pid_t pid = 0;  // 0 until forked
  ClaimWord claim;
  std::unique_ptr<LinePipe> out;
  std::unique_ptr<LinePipe> err;
  LineTail tail;

  bool has_said_hello = false;
  bool socket_closed = false;
  // It closed its socket and lived on, so we killed it.
  bool killed_for_socket = false;
  std::optional<int> wait_status;
  // Bounds the start, later the wait for the other half of its end.
  std::unique_ptr<EventLoop::Timer> timer;
};

}  // namespace rayx::daemon
