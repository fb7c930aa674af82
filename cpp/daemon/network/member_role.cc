#include "daemon/network/member_role.h"

#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"

namespace rayx::daemon {

MemberRole::MemberRole(Parts parts)
    : parts_(std::move(parts)), member_(parts_.streams->identity().node), head_(parts_.head) {}

MemberRole::~MemberRole() = default;

// ---- the head -----------------------------------------------------------------------------------

void MemberRole::OnTurn(int64_t) {
  for (const cluster::MemberEffect& effect : member_.TakeEffects()) {
    std::visit([this](const auto& what) { CarryOut(what); }, effect);
  }
  if (const auto expulsion = std::exchange(expulsion_, std::nullopt)) {
    parts_.expelled(expulsion->first, expulsion->second);
  }
}

void MemberRole::Expel(Expulsion why, const std::string& text) {
  if (!has_left_) expulsion_ = {why, text};
}

void MemberRole::CarryOut(const cluster::RegisterNode&) { is_headless_ ? FindHead() : Register(); }

void MemberRole::CarryOut(const cluster::EndWork&) {
  Expel(Expulsion::kDead,
        "the head has declared this node dead: it was not heard for too "
        "long, and others do its work");
}

void MemberRole::Register() {
  parts_.carrier->Open(head_);
  parts_.carrier->Send(
      head_, wire::Encode(wire::RegisterNode{.name = parts_.name, .address = parts_.address}));
}

// Its node may have been started again, under another id.
void MemberRole::FindHead() {
  contact_ = std::make_unique<HeadContact>(
      parts_.loop, parts_.contacts, parts_.head_address, limits::kHeadReturnMs,
      [this](const HeadContact::Answer& answer) { OnHeadFound(answer); });
}

void MemberRole::OnHeadFound(const HeadContact::Answer& answer) {
  contact_.reset();
  if (answer.declared_dead) return member_.OnDeclaredDead(member_.node());
  const Result<wire::NodeAdmission>& head = answer.admission;
  if (!head.ok()) return Expel(Expulsion::kClusterOver, head.status().message());
  if (head->cluster != parts_.streams->identity().cluster) {
    return Expel(Expulsion::kClusterOver, "another cluster answers at " +
                                              parts_.head_address.Text() + ", the head's address");
  }
  LogInfo("the head is found again: node " + head->node.Hex());
  head_ = head->node;
  is_headless_ = false;
  Register();
}

Status MemberRole::OnMessage(const NodeId& peer, const wire::MemberMessage& message) {
  if (peer != head_) return Status::ProtocolError("a message that only the head says");
  if (std::holds_alternative<wire::NodeAdmitted>(message)) {
    LogInfo("this node is a member of cluster " + parts_.streams->identity().cluster.Hex());
    member_.OnAdmitted(member_.node());
  } else if (const auto* joined = std::get_if<wire::NodeJoined>(&message)) {
    if (joined->node == member_.node()) return Status::ProtocolError("it is this node that joined");
    others_[joined->node] = joined->address;
  } else if (const auto* said = std::get_if<wire::NodeDead>(&message)) {
    if (said->node == member_.node()) {
      member_.OnDeclaredDead(member_.node());
    } else {
      others_.erase(said->node);
      parts_.carrier->OnDead(said->node);
    }
  } else if (std::holds_alternative<wire::ClusterEnds>(message)) {
    Expel(Expulsion::kClusterOver, "the head has ended the cluster");
  } else {
    return Status::ProtocolError("a message that only members say");
  }
  return Status::Ok();
}

void MemberRole::OnSessionEnded(const NodeId& peer, cluster::EndReason reason) {
  if (peer != head_ || is_headless_ || has_left_) return;
  LogWarning("the session with the head has ended: " + std::string(cluster::TextOf(reason)));
  is_headless_ = true;
  member_.OnHeadLost();
}

void MemberRole::OnDeclaredDead() { member_.OnDeclaredDead(member_.node()); }

// The head declares a member dead that leaves: from here on that is no news.
void MemberRole::Leave() {
  has_left_ = true;
  parts_.carrier->Send(head_, wire::Encode(wire::NodeLeaves{}));
}

// ---- others -------------------------------------------------------------------------------------

std::variant<wire::NodeAdmission, wire::NodeRefusal> MemberRole::Decide(
    const wire::NodeGreeting& greeting) {
  if (greeting.cluster.IsNil()) {
    return wire::NodeRefusal{"it is not the head of its cluster, which is at " +
                             parts_.head_address.Text() + "; join there"};
  }
  if (greeting.kind == protocol::ConnectionKind::Tables ||
      greeting.kind == protocol::ConnectionKind::Scheduler) {
    return wire::NodeRefusal{"it is not the head, and has no such service"};
  }
  if (parts_.carrier->IsDead(greeting.node)) {
    return wire::NodeRefusal{.reason = "it was declared dead", .declared_dead = true};
  }
  // Only the head says who is a member: a node that was declared dead before this one could hear of
  // it looks the same. One that has just joined dials again until the head has told of it.
  if (greeting.node != head_ && !others_.contains(greeting.node)) {
    return wire::NodeRefusal{"the head has not told this node of it"};
  }
  const NodeStreams::Identity& self = parts_.streams->identity();
  return wire::NodeAdmission{.node = self.node, .cluster = self.cluster, .servers = 0};
}

std::optional<NodeStreams::Target> MemberRole::TargetOf(const NodeId& peer) const {
  if (peer == head_) {
    return NodeStreams::Target{.address = parts_.head_address, .node = head_, .tells_itself = true};
  }
  const auto found = others_.find(peer);
  if (found == others_.end()) return std::nullopt;
  return NodeStreams::Target{.address = found->second, .node = peer};
}

std::optional<NodeStreams::Target> MemberRole::TargetOfHead() const {
  return is_headless_ ? std::nullopt : TargetOf(head_);
}

std::string MemberRole::DebugText() const {
  std::string text = "member of cluster " + parts_.streams->identity().cluster.Hex() +
                     ", whose head is node " + head_.Hex() + " at " + parts_.head_address.Text() +
                     (is_headless_ ? " (not found again yet)\n" : "\n");
  for (const auto& [node, address] : others_) {
    text += "  member " + node.Hex() + " at " + address.Text() + "\n";
  }
  return text;
}

}  // namespace rayx::daemon
