#include "daemon/others/other_nodes.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "daemon/codecs/remote_codec.h"
#include "scheduler/spreading.h"

namespace rayx::daemon {

OtherNodes::OtherNodes(const Parts& parts)
    : parts_(parts),
      scheduler_(std::make_unique<global_scheduler::SchedulerLink>(
          parts.loop, [this] { return parts_.network->DialScheduler(); }, parts.self, parts.total,
          static_cast<global_scheduler::SchedulerLink::Events*>(this))),
      values_(parts.loop, parts.pool, parts.core,
              [this](const NodeId& node) {
                return parts_.network->DialNode(node, protocol::ConnectionKind::Bulk);
              }),
      questions_(
          parts.loop,
          [this](const NodeId& node) {
            return parts_.network->DialNode(node, protocol::ConnectionKind::Questions);
          },
          parts.answers) {
  parts_.network->Follow(
      {.on_begun = [this](const NodeId& node) { OnSessionBegun(node); },
       .on_message =
           [this](const NodeId& node, uint16_t type, std::span<const uint8_t> payload) {
             return OnMessage(node, type, payload);
           },
       .on_ended = [this](const cluster::SessionEnded& ended) { OnSessionEnded(ended); },
       .on_declared_dead = [this](const NodeId& node) { scheduler_->SayDead(node); },
       .on_bulk =
           [this](const NodeId& node, std::unique_ptr<ByteStream> stream) {
             values_.Take(node, std::move(stream));
           },
       .on_questions =
           [this](std::unique_ptr<ByteStream> stream) {
             parts_.peers->AddObserver(std::move(stream));
           }});
}

OtherNodes::~OtherNodes() = default;

// ---- the turn -----------------------------------------------------------------------------------

void OtherNodes::BeforeTurn() {
  parts_.network->OnTurn();
  values_.BeforeTurn();
  questions_.OnTurn();
  GiveHeld();
  has_events_ = false;
}

bool OtherNodes::AfterTurn() {
  if (values_.AfterTurn()) has_events_ = true;
  const int64_t now_ms = parts_.loop->now_ms();
  // It is told no more often.
  if (now_ms - load_ms_ >= limits::kLoadPauseMs) {
    load_ms_ = now_ms;
    scheduler_->SetLoad(scheduler::Spreading(&parts_.core->scheduler()).Load());
  }
  scheduler_->OnTurn();
  if (!waiting_.empty()) SendWaiting();
  // Local work says nothing, and should not pay for it.
  if (std::exchange(has_said_, false)) parts_.network->Flush();
  return std::exchange(has_events_, false);
}

// ---- sessions -----------------------------------------------------------------------------------

void OtherNodes::OnSessionBegun(const NodeId& node) {
  const ClientId session = parts_.peers->NewId();
  sessions_.insert_or_assign(node, session);
  nodes_[session] = node;
  has_events_ = true;
  remote().OnSessionBegun(session, node);
}

void OtherNodes::OnSessionEnded(const cluster::SessionEnded& ended) {
  const NodeId& node = ended.peer;
  values_.OnNodeGone(node);
  const auto known = sessions_.find(node);
  if (known == sessions_.end()) return;
  const ClientId session = known->second;
  waiting_.Forget(node);
  avoided_[node] = parts_.loop->now_ms() + kAvoidMs;
  sessions_.erase(known);
  nodes_.erase(session);
  has_events_ = true;
  remote().OnSessionEnded(session, {.reason = std::string(cluster::TextOf(ended.reason)),
                                    .is_unheard = ended.is_unheard});
}

Status OtherNodes::OnMessage(const NodeId& node, uint16_t type, std::span<const uint8_t> payload) {
  Result<node::remote::Message> message = DecodeRemoteMessage(type, payload);
  if (!message.ok()) return message.status();
  has_events_ = true;
  ++heard_;
  talked_ms_ = parts_.loop->now_ms();
  return remote().OnMessage(sessions_.at(node), std::move(*message));
}

void OtherNodes::Send(ClientId session, node::remote::Message message) {
  const auto known = nodes_.find(session);
  ++said_;
  talked_ms_ = parts_.loop->now_ms();
  if (known == nodes_.end()) return;
  has_said_ = true;
  const NodeId& node = known->second;
  // More than a session keeps for the other side would end it.
  if (waiting_.Contains(node) || !parts_.network->HasRoom(node)) {
    waiting_.Add(node, Encode(message));
  } else {
    parts_.network->sessions().Send(node, Encode(message));
  }
}

void OtherNodes::SendWaiting() {
  has_said_ = true;
  waiting_.SendTo([this](const NodeId& node) { return parts_.network->HasRoom(node); },
                  [this](const NodeId& node, cluster::Message message) {
                    parts_.network->sessions().Send(node, std::move(message));
                  });
  for (const NodeId& node : waiting_.Overfull()) {
    waiting_.Forget(node);
    LogWarning("node " + node.Hex() + " does not take what it is told; its session ends");
    parts_.network->sessions().End(node, cluster::EndReason::kBacklog);
  }
}

bool OtherNodes::HasRoom(ClientId session) const {
  const auto known = nodes_.find(session);
  return known != nodes_.end() && !waiting_.Contains(known->second) &&
         parts_.network->HasRoom(known->second);
}

bool OtherNodes::Drain() {
  scheduler_->SayDraining();
  // What waits for room waits for others to be acknowledged, too.
  constexpr size_t kAll = limits::kPeerUnacknowledgedBytesMax - cluster::SendWindow::kFrameBytes;
  return std::all_of(sessions_.begin(), sessions_.end(), [&](const auto& one) {
    const cluster::PeerSession* session = parts_.network->sessions().Find(one.first);
    return session == nullptr || session->room() >= kAll;
  });
}

// ---- tasks --------------------------------------------------------------------------------------

void OtherNodes::Offer(const node::TaskOffer& offer) {
  placement::Offer told{.task = offer.task,
                        .attempt = offer.attempt,
                        .demand = offer.demand,
                        .priority = offer.priority,
                        .inputs = {},
                        .placed_on = {}};
  for (const node::TaskOffer::Input& input : offer.inputs) {
    told.inputs.push_back({.bytes = input.bytes, .nodes = input.nodes});
    if (input.nodes.empty()) told.inputs.back().nodes.push_back(parts_.self);
  }
  scheduler_->Offer(std::move(told));
}

void OtherNodes::Withdraw(const TaskId& task, uint32_t /*attempt*/) { scheduler_->Withdraw(task); }

void OtherNodes::OnPlace(const placement::OfferName& offer, const NodeId& node) {
  // One that is drained says so here first, and to who places a moment later.
  const bool is_draining = parts_.core->drain().IsDraining(node);
  if (node != parts_.self && (is_draining || !Reach(node))) {
    held_.push_back({offer, node, parts_.loop->now_ms() + kHoldMs});
    return;
  }
  has_events_ = true;
  remote().OnPlace(offer.task, offer.attempt, node);
}

bool OtherNodes::Reach(const NodeId& node) {
  if (sessions_.contains(node)) return true;
  const auto avoided = avoided_.find(node);
  if (avoided != avoided_.end() && parts_.loop->now_ms() < avoided->second) return false;
  (void)parts_.network->sessions().Open(node);
  has_said_ = true;
  return sessions_.contains(node);
}

// Without a session by now, they are offered again.
void OtherNodes::GiveHeld() {
  while (!held_.empty() && parts_.loop->now_ms() >= held_.front().due_ms) {
    const Held held = held_.front();
    held_.pop_front();
    (void)Reach(held.node);
    remote().OnPlace(held.offer.task, held.offer.attempt, held.node);
  }
}

std::optional<int64_t> OtherNodes::NextTickMs() const {
  if (held_.empty()) return std::nullopt;
  return held_.front().due_ms;
}

void OtherNodes::OnUnplaceable(std::span<const placement::OfferName> offers,
                               const std::string& reason, bool for_ever) {
  has_events_ = true;
  for (const placement::OfferName& offer : offers) {
    remote().OnUnplaceable(offer.task, offer.attempt, reason, for_ever);
  }
}

void OtherNodes::OnNodeDead(const NodeId& node) {
  known_.erase(node);
  avoided_.erase(node);
}

void OtherNodes::OnNodeJoined(const NodeId& node) {
  if (node != parts_.self) known_.insert(node);
}

std::string OtherNodes::DebugText() const {
  std::string text = "sessions with " + std::to_string(sessions_.size()) + " other nodes, " +
                     std::to_string(known_.size()) + " known; the global scheduler: ";
  text += scheduler_->ready() ? "reached" : "not reached";
  text += ", " + std::to_string(scheduler_->open()) + " offers\n";
  text += "messages said to other nodes: " + std::to_string(said_) +
          ", heard: " + std::to_string(heard_) + "\n";
  return text + parts_.core->objects().remote().copies().DebugText();
}

}  // namespace rayx::daemon
