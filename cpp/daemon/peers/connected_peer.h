// A process that has a connection to the node: what all such peers have, and what is special to
// their kinds.
//
//   Stranger ───────hello──▶ DriverPeer, OutputPeer, ObserverPeer ┐ peer gone, broken message
//   StartingWorker ─hello──▶ WorkerPeer                           ├─────────────────────▶ closed
//       └──────(no hello in time, refused)────────────────────────┘ or the node wishes it
//
// A closed peer keeps its kind, and is destroyed at the end of the turn.
//
// Code that must tell the kinds apart does so by std::visit with a case for each
// (common/base/overload.h). A new kind (a node of another machine, say) is one struct, one
// alternative of PeerKind, and then what the compiler asks for.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <variant>

#include "common/base/ids.h"
#include "common/base/overload.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "common/os/scoped_fd.h"
#include "daemon/peers/client_reservations.h"
#include "node/shell.h"

namespace rayx::daemon {

// What a peer has been given of the pool, if it maps the pool and stores values there.
struct PoolUse {
  // The peer has been passed the writable pool.
  bool has_writable_pool = false;
  // Made when the peer first asks for room in the pool.
  std::unique_ptr<ClientReservations> reservations;
};

// --- the kinds ---

// A peer that came through the listener and has not said hello.
struct Stranger {
  // Ends a handshake that takes too long.
  std::unique_ptr<EventLoop::Timer> hello_timer;
};

// A worker whose socket pair we made and that has not said hello; the worker service watches how
// long that takes.
struct StartingWorker {};

// The main connection of a driver.
struct DriverPeer {
  PoolUse pool;
  // How many SubmitTask and KillActor it has sent.
  uint64_t submitted = 0;
  // The driver and a worker exchange messages of which they tell the node later. So the node must
  // read the driver before that worker, and the driver may ask about what the node has not read
  // from the worker yet.
  bool runs_ahead = false;
  // Its process, which is watched beside the socket, since a forked child of the driver may hold
  // the socket open for longer. The watch must end before the descriptor is closed.
  ScopedFd pid_fd;
  std::unique_ptr<EventLoop::Watcher> pid_watch;
};

// A driver's second connection, on which it is sent what is to be printed.
struct OutputPeer {};

// Somebody who only asks questions, such as `rayx status`, or another node for its clients: the
// core does not know of it.
struct ObserverPeer {
  // Of another node: ends it when whoever asked has given up long ago, and may be gone with its
  // machine, which nothing tells.
  std::unique_ptr<EventLoop::Timer> patience;
};

struct WorkerPeer {
  PoolUse pool;
};

using PeerKind =
    std::variant<Stranger, StartingWorker, DriverPeer, OutputPeer, ObserverPeer, WorkerPeer>;

struct ConnectedPeer : node::Peer {
  PeerKind kind;
  std::unique_ptr<Connection> connection;
  // The connection is closed; PeerTable::Find does not find the peer any more.
  bool closed = false;
  // The pid of its process, as the kernel tells it, or as a worker does.
  pid_t pid = 0;
};

// The driver, or null if the peer is none.
inline DriverPeer* AsDriver(node::Peer& peer) {
  // Every peer that the core knows is a ConnectedPeer.
  return std::visit(Overload{[](Stranger&) -> DriverPeer* { return nullptr; },
                             [](StartingWorker&) -> DriverPeer* { return nullptr; },
                             [](DriverPeer& driver) -> DriverPeer* { return &driver; },
                             [](OutputPeer&) -> DriverPeer* { return nullptr; },
                             [](ObserverPeer&) -> DriverPeer* { return nullptr; },
                             [](WorkerPeer&) -> DriverPeer* { return nullptr; }},
                    static_cast<ConnectedPeer&>(peer).kind);
}

// Whether the peer takes tasks: it may report their ends, and can be told to exit.
bool TakesTasks(const ConnectedPeer& peer);

// Null if the peer does not store values in the pool.
PoolUse* PoolUseOf(ConnectedPeer& peer);

// Whether the peer is given the pool with its welcome.
bool MapsPool(const ConnectedPeer& peer);

// Whether a peer that goes on asking and does not read the answers may be left unheard until it
// reads. What some kinds have to say must be heard in any case.
bool MayBePaused(const ConnectedPeer& peer);

}  // namespace rayx::daemon
