// One connection of a driver, a worker or a driver's output thread.
//
//   Handshake ──Hello──▶ Open ──(peer gone, broken message, node's wish)──▶ Closed
//        └──(no hello in time, refused)──────────────────────────────────▶
//
// A closed session is destroyed at the end of the turn.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "common/base/ids.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "common/io/scoped_fd.h"
#include "common/protocol/generated/messages_generated.h"
#include "daemon/ready_rooms.h"
#include "plasma/effects.h"
#include "scheduler/effects.h"

namespace rayx::daemon {

enum class SessionState { kHandshake, kOpen, kClosed };

struct Session {
  ClientId id = 0;
  SessionState state = SessionState::kHandshake;
  std::unique_ptr<Connection> connection;
  // It has been open: its hello was a good one.
  bool welcomed = false;

  // Valid when open.
  protocol::Role role = protocol::Role::Driver;
  // A driver's and its output's; a worker's once it has been given a task.
  DriverId driver;
  pid_t pid = 0;

  // Of a worker; 0 for others. Known from the start, since the node made the connection.
  scheduler::WorkerNumber worker = 0;

  // Objects to send as soon as the peer's backlog allows. Values stay in the store until then, so a
  // peer that does not read costs no memory.
  std::deque<plasma::DeliverObject> deliveries;
  // To be told behind the deliveries: the peer wants to know that it has seen them all. 0: nothing.
  uint64_t fence = 0;
  // How many SubmitTask and KillActor it has sent.
  uint64_t submitted = 0;
  // It gives tasks to a worker directly (line_service.h).
  bool has_line = false;
  // The writable pool has been passed.
  bool has_writable_pool = false;
  // There once it has asked for room in the pool.
  std::unique_ptr<ReadyRooms> ready_rooms;

  // Ends a handshake that takes too long.
  std::unique_ptr<EventLoop::Timer> hello_timer;
  // A driver's process, watched beside its socket: a forked child of the driver may hold the socket
  // open for longer.
  ScopedFd pid_fd;
  std::unique_ptr<EventLoop::Watcher> pid_watch;
};

}  // namespace rayx::daemon
