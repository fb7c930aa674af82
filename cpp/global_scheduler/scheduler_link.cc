#include "global_scheduler/scheduler_link.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "common/base/log.h"

namespace rayx::global_scheduler {
namespace {

// Offers in one frame: some 64 KiB.
constexpr size_t kOffersPerFrame = 500;

}  // namespace

SchedulerLink::SchedulerLink(EventLoop* loop, DialScheduler dial, const NodeId& node,
                             ResourceSet total, Events* events)
    : loop_(loop),
      dial_(std::move(dial)),
      node_(node),
      total_(std::move(total)),
      events_(events),
      health_(Status::Unavailable("the global scheduler is not reached yet")),
      turn_ms_(loop->now_ms()) {
  dial_timer_ = loop_->CallAt(loop_->now_ms(), [this] { Dial(); });
}

SchedulerLink::~SchedulerLink() = default;

// ---- the connection -----------------------------------------------------------------------------

void SchedulerLink::Dial() {
  Result<std::unique_ptr<ByteStream>> stream = dial_();
  if (!stream.ok()) return Lose(stream.status());
  closed_ = false;
  connection_ =
      std::make_unique<Connection>(loop_, std::move(*stream), limits::kFrameBytesMax,
                                   Connection::Handlers{.on_frames = [this] { OnFrames(); },
                                                        .on_closed =
                                                            [this](const Status& why) {
                                                              closed_ = true;
                                                              health_ = why;
                                                            },
                                                        .on_dirty = [this] { dirty_ = true; }});
  state_ = State::kGreeting;
  heard_ms_ = loop_->now_ms();
  placement::NodeFacts facts{
      .node = node_, .total = total_, .known = {}, .is_draining = is_draining_};
  for (const NodeId& known : known_) {
    if (known != node_) facts.known.push_back(known);
  }
  Say(facts);
}

// The connection is given up, outside of its callbacks, and another one is tried.
void SchedulerLink::Lose(const Status& why) {
  const std::string text = "the global scheduler is unavailable: " + why.message();
  // One line for each new reason, not for each attempt.
  if (ready() || text != health_.message()) LogWarning(text);
  health_ = Status::Unavailable(text);
  state_ = State::kAway;
  connection_.reset();
  closed_ = false;
  withdrawals_.clear();
  pause_ms_ = std::clamp(pause_ms_ * 2, limits::kControlReconnectMsMin, limits::kPeerRedialMs);
  dial_timer_ = loop_->CallAt(loop_->now_ms() + pause_ms_, [this] { Dial(); });
}

// What a node is, the scheduler hears with the first frame: another connection begins with one.
void SchedulerLink::SayDraining() {
  if (std::exchange(is_draining_, true) || connection_ == nullptr) return;
  state_ = State::kAway;
  connection_.reset();
  closed_ = false;
  withdrawals_.clear();
  dial_timer_ = loop_->CallAt(loop_->now_ms(), [this] { Dial(); });
}

void SchedulerLink::OnFrames() {
  heard_ms_ = loop_->now_ms();
  while (const std::optional<Frame> frame = connection_->NextFrame()) {
    const Result<FromScheduler> message = DecodeFromScheduler(*frame);
    const Status heard = message.ok() ? Hear(*message) : message.status();
    if (!heard.ok()) return connection_->Close(heard);
  }
}

// ---- what the scheduler says --------------------------------------------------------------------

Status SchedulerLink::Hear(const FromScheduler& message) {
  if (const auto* const refusal = std::get_if<Refusal>(&message)) {
    return Status::Unavailable("it refuses this node: " + refusal->reason);
  }
  if (std::holds_alternative<Registered>(message)) {
    if (state_ != State::kGreeting) return Status::ProtocolError("it registers the node again");
    state_ = State::kReady;
    health_ = Status::Ok();
    pause_ms_ = 0;
    said_load_ms_ = 0;
    // It has heard of nothing yet.
    queue_.clear();
    for (auto& [task, open] : open_) {
      open.queued = false;
      Queue(&open);
    }
    return Status::Ok();
  }
  if (state_ != State::kReady) return Status::ProtocolError("it has not registered the node");
  if (const auto* const placements = std::get_if<Placements>(&message)) {
    OnPlacements(*placements);
  } else if (const auto* const unplaceable = std::get_if<Unplaceable>(&message)) {
    OnUnplaceable(*unplaceable);
  } else if (const auto* const changes = std::get_if<NodeChanges>(&message)) {
    for (const NodeId& node : changes->joined) {
      known_.insert(node);
      events_->OnNodeJoined(node);
    }
    for (const NodeId& node : changes->dead) {
      known_.erase(node);
      events_->OnNodeDead(node);
    }
  }
  return Status::Ok();
}

void SchedulerLink::OnPlacements(const Placements& said) {
  for (const Placement& place : said.placements) {
    const auto found = open_.find(place.offer.task);
    if (found == open_.end()) continue;
    placement::Offer& offer = found->second.offer;
    // It was withdrawn or offered anew meanwhile; the scheduler hears of that.
    if (offer.attempt != place.offer.attempt || !offer.placed_on.IsNil()) continue;
    offer.placed_on = place.node;
    events_->OnPlace(place.offer, place.node);
  }
}

void SchedulerLink::OnUnplaceable(const Unplaceable& said) {
  std::vector<placement::OfferName> offers;
  for (const placement::OfferName& name : said.offers) {
    const auto found = open_.find(name.task);
    if (found == open_.end() || found->second.offer.attempt != name.attempt) continue;
    offers.push_back(name);
    if (said.for_ever) open_.erase(found);
  }
  if (!offers.empty()) events_->OnUnplaceable(offers, said.reason, said.for_ever);
}

// ---- what the node says -------------------------------------------------------------------------

void SchedulerLink::Offer(placement::Offer offer) {
  Open& open = open_[offer.task];
  open.offer = std::move(offer);
  Queue(&open);
}

void SchedulerLink::Withdraw(const TaskId& task) {
  const auto found = open_.find(task);
  if (found == open_.end()) return;
  // If it is queued again, the scheduler knows it by an earlier attempt, or not at all.
  if (ready()) withdrawals_.push_back({task, found->second.offer.attempt});
  open_.erase(found);
}

void SchedulerLink::Queue(Open* open) {
  if (!ready() || std::exchange(open->queued, true)) return;
  queue_.push_back(open->offer.task);
}

void SchedulerLink::OnTurn() {
  const int64_t now_ms = loop_->now_ms();
  // After a stall of this process the scheduler was not silent, since it was not heard.
  if (now_ms - turn_ms_ > limits::kLoopStallMs) heard_ms_ = now_ms;
  turn_ms_ = now_ms;
  if (connection_ != nullptr && closed_) Lose(Status(health_));
  if (connection_ != nullptr && now_ms - heard_ms_ >= limits::kPeerSilenceMs) {
    Lose(Status::TimedOut("it says nothing"));
  }
  if (ready()) {
    if (!withdrawals_.empty()) Say(Withdrawals{std::exchange(withdrawals_, {})});
    if (!dead_.empty()) Say(DeadNodes{std::exchange(dead_, {})});
    SayOffers();
    SayLoad();
  }
  if (connection_ != nullptr && std::exchange(dirty_, false)) connection_->Flush();
  if (connection_ == nullptr) return;
  int64_t next_ms = now_ms + limits::kPeerSignMs;
  if (ready() && load_ != said_load_) next_ms = said_load_ms_ + limits::kLoadPauseMs;
  // What is left over is told as the connection takes it.
  if (!queue_.empty()) next_ms = now_ms + 1;
  SetTimer(next_ms);
}

// Not anew in each turn: a node has many.
void SchedulerLink::SetTimer(int64_t when_ms) {
  if (turn_due_ms_ != 0 && turn_due_ms_ <= when_ms) return;
  turn_due_ms_ = when_ms;
  timer_ = loop_->CallAt(when_ms, [this] { turn_due_ms_ = 0; });
}

void SchedulerLink::SayOffers() {
  while (!queue_.empty() && connection_->backlog_bytes() < limits::kPeerBacklogBytesSoft) {
    Offers said;
    while (!queue_.empty() && said.offers.size() < kOffersPerFrame) {
      const auto found = open_.find(queue_.front());
      queue_.pop_front();
      // Withdrawn, or queued twice since it was withdrawn in between.
      if (found == open_.end() || !std::exchange(found->second.queued, false)) continue;
      said.offers.push_back(found->second.offer);
    }
    if (!said.offers.empty()) Say(said);
  }
}

void SchedulerLink::SayLoad() {
  const int64_t since_ms = loop_->now_ms() - said_load_ms_;
  const bool has_changed = load_ != said_load_ && since_ms >= limits::kLoadPauseMs;
  if (!has_changed && since_ms < limits::kPeerSignMs) return;
  said_load_ = load_;
  said_load_ms_ = loop_->now_ms();
  Say(Load{load_});
}

void SchedulerLink::Say(const FromNode& message) {
  const EncodedFrame frame = Encode(message);
  connection_->Send(frame.type, frame.payload);
}

}  // namespace rayx::global_scheduler
