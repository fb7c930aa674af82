// One connection of a driver, a worker or a driver's output thread.
//
//   Handshake ──Hello──▶ Open ──(peer gone, broken message, node's wish)──▶ Closed
//        └──(no hello in time, refused)──────────────────────────────────▶
//
// A closed peer is destroyed at the end of the turn.
#pragma once

#include <memory>
#include <string>

#include "common/base/ids.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "common/os/scoped_fd.h"
#include "common/protocol/generated/messages_generated.h"
#include "daemon/peers/ready_rooms.h"
#include "node/shell.h"

namespace rayx::daemon {

enum class PeerState { kHandshake, kOpen, kClosed };

struct ConnectedPeer : node::Peer {
  PeerState state = PeerState::kHandshake;
  std::unique_ptr<Connection> connection;
  // It has been open: its hello was a good one.
  bool welcomed = false;

  // Valid when open.
  protocol::Role role = protocol::Role::Driver;
  pid_t pid = 0;

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
