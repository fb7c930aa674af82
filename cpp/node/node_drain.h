// A node is drained before it leaves its cluster: what it has for others ends, or goes to others.
//
//   the node                                     another one, home of what it has
//     │── NodeDrains ───────────────────────────────▶│ places nothing there any more
//     │◀─────────────────────────────── DrainHeard ──│
//     │── TaskEnded, ActorEnded: not run ───────────▶│ offers again what has not begun
//     │◀──────── MoveActor, behind the last call ────│ if it may be made again elsewhere
//     │── ActorEnded: moved, when its calls ended ──▶│ has it made again; no restart is counted
//     │── TakeOver: values that are kept for it ────▶│ copies them, and says DropCopies
//
// What runs goes on; actors that may not be made again do, and drivers of the node do. The shell
// ends the node when nothing of others is left, or when it has no more time for that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_set>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/draining_nodes.h"
#include "node/driver_book.h"
#include "node/guest_actors.h"
#include "node/guest_tasks.h"
#include "node/node_sessions.h"
#include "node/remote_objects.h"

namespace rayx::node {

class NodeDrain {
 public:
  struct Parts {
    plasma::ObjectStore* store = nullptr;
    const DriverBook* drivers = nullptr;
    const NodeSessions* sessions = nullptr;
    RemoteObjects* objects = nullptr;
    GuestTasks* guest = nullptr;
    GuestActors* guest_actors = nullptr;
    DrainingNodes* nodes = nullptr;
  };
  // All must outlive it.
  explicit NodeDrain(const Parts& parts) : parts_(parts) {}

  // --- this node ---
  // Nothing happens if it has begun.
  void Begin();
  bool has_begun() const { return parts_.nodes->is_self; }
  // What keeps the node, or its loss would harm.
  struct Left {
    // Of other nodes.
    size_t tasks = 0;
    size_t actors = 0;
    size_t calls = 0;
    size_t values = 0;
    // Of this one.
    size_t drivers = 0;
    // Nodes that have not heard of it.
    size_t unheard = 0;
    bool operator==(const Left&) const = default;
  };
  // Looks at all objects.
  Left left() const;

  // --- another node ---
  // Nothing is to be placed there.
  bool IsDraining(const NodeId& node) const;

  // --- events ---
  void OnSessionBegun(ClientId session);
  void OnSessionEnded(ClientId session);
  // Not OK: a breach of protocol.
  Status On(ClientId from, const remote::NodeDrains& message);
  Status On(ClientId from, const remote::DrainHeard& message);
  Status On(ClientId home, const remote::MoveActor& message);
  Status On(ClientId from, const remote::TakeOver& message);

  // In each turn. True if anything has followed.
  bool Turn(int64_t now_ms);
  std::optional<int64_t> NextTickMs() const;

 private:
  // Asks homes to take what is kept for them: each value once, and all again at times, since a copy
  // may have failed.
  void OfferValues(int64_t now_ms);

  const Parts parts_;
  // Sessions in which the answer has not come.
  std::set<ClientId> unheard_;
  // What homes were asked to take since `repeat_ms_` was set, when they are asked for all again.
  std::unordered_set<ObjectId> offered_;
  int64_t repeat_ms_ = 0;
  // When to look for more, and whether anything was there to be taken the last time.
  int64_t offer_ms_ = 0;
  bool has_values_ = false;
};

}  // namespace rayx::node
