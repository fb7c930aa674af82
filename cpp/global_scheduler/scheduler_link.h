// A node's side of the global scheduler: keeps what the node offers, and tells it to whatever
// scheduler there is.
//
//            dial, register              answered
//     Away ──────────────────▶ Greeting ──────────▶ Ready
//      ▲ ◀────────────────────────┘  lost, refused    │
//      └──────────────────────────────────────────────┘  lost, silent
//
// A scheduler that was started again knows nothing: it is told of the node, its load, and each open
// offer with the node it was placed on, if it was. A Place counts only for an offer that is open,
// with that attempt, and was not placed yet. So a scheduler may end at any moment, and no task is
// lost or placed twice.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/resources.h"
#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "global_scheduler/scheduling_wire.h"
#include "placement/offer.h"

namespace rayx::global_scheduler {

// A stream to the scheduler, which may still be connecting: its Unix socket on the head, a stream
// to the head's port elsewhere.
using DialScheduler = std::function<Result<std::unique_ptr<ByteStream>>()>;

class SchedulerLink {
 public:
  // Called from the loop's handlers. May call the link.
  class Events {
   public:
    // Have the task run there; it is open until it is withdrawn. If that cannot be, offer it again
    // with a higher attempt.
    virtual void OnPlace(const placement::OfferName& offer, const NodeId& node) = 0;
    // No node could run these; told once of each, by each scheduler. `for_ever`: they are not open
    // any more, and their tasks fail.
    virtual void OnUnplaceable(std::span<const placement::OfferName> offers,
                               const std::string& reason, bool for_ever) = 0;
    // Hints: a node may be told to have joined again.
    virtual void OnNodeJoined(const NodeId& node) = 0;
    virtual void OnNodeDead(const NodeId& node) = 0;

   protected:
    ~Events() = default;
  };

  // The first dial is made in the next turn. `loop` and `events` must outlive the link.
  // `total`: what the node has.
  SchedulerLink(EventLoop* loop, DialScheduler dial, const NodeId& node, ResourceSet total,
                Events* events);
  ~SchedulerLink();
  SchedulerLink(const SchedulerLink&) = delete;
  SchedulerLink& operator=(const SchedulerLink&) = delete;

  // Open from now on; replaces what was offered of the task before.
  void Offer(placement::Offer offer);
  // The task has ended, or shall not be placed any more. Nothing if it is not open.
  void Withdraw(const TaskId& task);
  // What tasks hold and wait for that were not placed here, less what tasks have given back that
  // were (scheduling.fbs). Sent at most ten times a second.
  void SetLoad(ResourceSet local) { load_ = std::move(local); }
  // The head, which this node is, has declared a node dead.
  void SayDead(const NodeId& node) { dead_.push_back(node); }
  // The node is drained: nothing is to be placed there from now on.
  void SayDraining();
  // Sends what there is to say. Once a turn of the loop.
  void OnTurn();

  bool ready() const { return state_ == State::kReady; }
  size_t open() const { return open_.size(); }
  // Why it is not ready.
  const Status& health() const { return health_; }

 private:
  enum class State { kAway, kGreeting, kReady };
  struct Open {
    placement::Offer offer;
    // In queue_.
    bool queued = false;
  };

  void Dial();
  void Lose(const Status& why);
  void OnFrames();
  Status Hear(const FromScheduler& message);
  void OnPlacements(const Placements& said);
  void OnUnplaceable(const Unplaceable& said);
  void Queue(Open* open);
  void Say(const FromNode& message);
  void SayLoad();
  void SayOffers();
  void SetTimer(int64_t when_ms);

  EventLoop* const loop_;
  const DialScheduler dial_;
  const NodeId node_;
  const ResourceSet total_;
  Events* const events_;

  State state_ = State::kAway;
  Status health_;
  int64_t pause_ms_ = 0;
  std::unordered_map<TaskId, Open> open_;
  // What the scheduler is to be told of.
  std::deque<TaskId> queue_;
  std::vector<placement::OfferName> withdrawals_;
  std::vector<NodeId> dead_;
  ResourceSet load_;
  ResourceSet said_load_;
  int64_t said_load_ms_ = 0;
  int64_t heard_ms_ = 0;
  int64_t turn_ms_ = 0;
  // Nodes that some scheduler has told of.
  std::set<NodeId> known_;
  std::unique_ptr<Connection> connection_;
  bool closed_ = false;
  bool is_draining_ = false;
  bool dirty_ = false;
  std::unique_ptr<EventLoop::Timer> dial_timer_;
  // Has the loop turn by then, so that what is due is said; 0: no timer is set.
  int64_t turn_due_ms_ = 0;
  std::unique_ptr<EventLoop::Timer> timer_;
};

}  // namespace rayx::global_scheduler
