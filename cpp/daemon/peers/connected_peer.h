// Whoever has a connection to the node: what all of them have, and what is special to their kind.
//
//   Stranger ───────hello───▶ DriverPeer, OutputPeer ┐
//   StartingWorker ─hello───▶ WorkerPeer             ├──(peer gone, broken message, node's wish)──▶
//   closed
//       └───(no hello in time, refused)──────────────┘
//
// A closed peer keeps its kind, and is destroyed at the end of the turn.
//
// Who must tell the kinds apart does so by std::visit with a case for each (common/base/
// overload.h). To add a kind (a node of another machine, say) is one struct, one alternative of
// PeerKind, and then what the compiler asks for.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <variant>

#include "common/base/ids.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "common/os/scoped_fd.h"
#include "daemon/peers/client_reservations.h"
#include "node/shell.h"

namespace rayx::daemon {

// What a peer has been given of the pool, if it maps the pool and stores values there.
struct PoolUse {
  // The writable pool has been passed.
  bool has_writable_pool = false;
  // There once it has asked for room in the pool.
  std::unique_ptr<ClientReservations> reservations;
};

// --- the kinds ---

// It came through the listener and has not said who it is.
struct Stranger {
  // Ends a handshake that takes too long.
  std::unique_ptr<EventLoop::Timer> hello_timer;
};

// We made its socket pair. It has not said hello; the worker service watches how long that takes.
struct StartingWorker {};

// The main connection of a driver.
struct DriverPeer {
  PoolUse pool;
  // How many SubmitTask and KillActor it has sent.
  uint64_t submitted = 0;
  // It and a worker speak to each other, and say later what about: it must be read before the
  // worker is, and may ask of what the node has not read of the worker.
  bool runs_ahead = false;
  // Its process, watched beside the socket: a forked child of the driver may hold the socket open
  // for longer. The watch ends before the descriptor.
  ScopedFd pid_fd;
  std::unique_ptr<EventLoop::Watcher> pid_watch;
};

// A driver's second connection, on which it is sent what is to be printed.
struct OutputPeer {};

struct WorkerPeer {
  PoolUse pool;
};

using PeerKind = std::variant<Stranger, StartingWorker, DriverPeer, OutputPeer, WorkerPeer>;

struct ConnectedPeer : node::Peer {
  PeerKind kind;
  std::unique_ptr<Connection> connection;
  // The connection is closed; nobody finds the peer any more.
  bool closed = false;
  // Of its process: as the kernel says, or as a worker says.
  pid_t pid = 0;
};

// Null if it is no driver.
inline DriverPeer* AsDriver(node::Peer& peer) {
  // All peers of the core are connected.
  return std::get_if<DriverPeer>(&static_cast<ConnectedPeer&>(peer).kind);
}

// Null if it does not map the pool.
PoolUse* PoolUseOf(ConnectedPeer& peer);

// A peer that asks and asks and does not read the answers is not heard until it does; but what
// some have to say must be heard in any case.
bool MayBePaused(const ConnectedPeer& peer);

}  // namespace rayx::daemon
