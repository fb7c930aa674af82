#include "daemon/network/head_role.h"

#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/os/clock.h"
#include "daemon/records/predecessors.h"

namespace rayx::daemon {

HeadRole::HeadRole(Parts parts)
    : parts_(std::move(parts)), here_(std::make_shared<HeadRole*>(this)) {
  ReadTable();
}

HeadRole::~HeadRole() { *here_ = nullptr; }

// ---- after a start ------------------------------------------------------------------------------

void HeadRole::ReadTable() {
  parts_.tables->nodes().List([here = here_](const auto& nodes) {
    HeadRole* self = *here;
    if (self == nullptr) return;
    if (nodes.ok()) return self->OnTable(*nodes);
    // Without it, the dead could come back.
    LogWarning("the table of nodes cannot be read yet: " + nodes.status().message());
    self->retry_ = self->parts_.loop->CallAt(self->parts_.loop->now_ms() + limits::kHeadRedialMsMax,
                                             [self] { self->ReadTable(); });
  });
}

void HeadRole::OnTable(const std::vector<control::NodeRecord>& nodes) {
  for (const control::NodeRecord& node : nodes) {
    const HostPort address{node.host, node.port};
    // One at this address is the head before this one.
    if (node.id == parts_.self) continue;
    if (!node.alive || node.port == 0 || address == parts_.address) {
      membership_.RestoreDead(node.id);
      parts_.carrier->OnDead(node.id);
      continue;
    }
    membership_.Restore(node.id, {.name = node.host, .address = address.Text()});
    known_[node.id] = {.node = node.id, .name = node.host, .address = address};
  }
  parts_.restored();
}

// ---- others -------------------------------------------------------------------------------------

std::variant<wire::NodeAdmission, wire::NodeRefusal> HeadRole::Decide(
    const wire::NodeGreeting& greeting) {
  if (membership_.IsDead(greeting.node)) {
    return wire::NodeRefusal{.reason = "it was declared dead", .declared_dead = true};
  }
  switch (greeting.kind) {
    case protocol::ConnectionKind::Control:
      break;
    case protocol::ConnectionKind::Tables:
      if (greeting.server < parts_.servers.size()) break;
      return wire::NodeRefusal{"there is no control server " + std::to_string(greeting.server)};
    case protocol::ConnectionKind::Scheduler:
      break;
    case protocol::ConnectionKind::Bulk:
    case protocol::ConnectionKind::Questions:
      // Only members know what there is.
      if (membership_.IsMember(greeting.node)) break;
      return wire::NodeRefusal{"it is no member yet"};
  }
  return wire::NodeAdmission{.node = parts_.self,
                             .cluster = parts_.cluster,
                             .servers = static_cast<uint32_t>(parts_.servers.size())};
}

void HeadRole::OnWelcomed(const wire::NodeGreeting& greeting, std::unique_ptr<ByteStream> stream) {
  // It may have been declared dead since it was welcomed.
  if (membership_.IsDead(greeting.node)) return;
  if (greeting.kind == protocol::ConnectionKind::Scheduler) {
    return JoinToScheduler(greeting.node, std::move(stream));
  }
  membership_.Expect(greeting.node);
  const uint64_t number = ++last_bridge_;
  Bridge& bridge = bridges_[number];
  bridge.node = greeting.node;
  bridge.tables = std::make_unique<control::TableBridge>(
      parts_.loop, parts_.servers[greeting.server], std::move(stream),
      [this, number](const Status&) { closed_bridges_.push_back(number); });
}

void HeadRole::JoinToScheduler(const NodeId& node, std::unique_ptr<ByteStream> stream) {
  Result<std::unique_ptr<ByteStream>> scheduler = control::DialUnix(parts_.scheduler_socket);
  // It is being started again; so the node will try again.
  if (!scheduler.ok()) return;
  const uint64_t number = ++last_bridge_;
  Bridge& bridge = bridges_[number];
  bridge.node = node;
  bridge.scheduler = std::make_unique<StreamBridge>(
      parts_.loop, StreamBridge::Side{.stream = std::move(stream), .name = "the node"},
      StreamBridge::Side{.stream = std::move(*scheduler), .name = "the global scheduler"},
      [this, number](const Status&) { closed_bridges_.push_back(number); });
}

Status HeadRole::OnMessage(const NodeId& peer, const wire::MemberMessage& message) {
  if (const auto* said = std::get_if<wire::RegisterNode>(&message)) {
    known_[peer] = {.node = peer, .name = said->name, .address = said->address};
    const cluster::MemberFacts facts{.name = said->name, .address = said->address.Text()};
    // One that is dead has no session; so it is one that lives.
    if (membership_.OnRegister(peer, facts) != cluster::Admission::kDead) {
      parts_.carrier->Send(peer, wire::Encode(wire::NodeAdmitted{}));
      Introduce(peer);
    }
    return Status::Ok();
  }
  if (std::holds_alternative<wire::NodeLeaves>(message)) {
    membership_.OnLeave(peer);
    return Status::Ok();
  }
  return Status::ProtocolError("a message that only the head says");
}

void HeadRole::OnSessionEnded(const NodeId& peer, cluster::EndReason reason) {
  membership_.OnSessionEnded(peer, reason);
}

std::optional<NodeStreams::Target> HeadRole::TargetOf(const NodeId& peer) const {
  const auto found = known_.find(peer);
  if (found == known_.end()) return std::nullopt;
  return NodeStreams::Target{.address = found->second.address, .node = peer};
}

// ---- the turn -----------------------------------------------------------------------------------

void HeadRole::OnTurn(int64_t now_ms) {
  for (const uint64_t number : std::exchange(closed_bridges_, {})) bridges_.erase(number);
  membership_.OnTurn(now_ms);
  for (const cluster::MembershipEffect& effect : membership_.TakeEffects()) {
    std::visit([this](const auto& what) { CarryOut(what); }, effect);
  }
}

void HeadRole::CarryOut(const cluster::MemberJoined& joined) {
  LogInfo("node " + joined.node.Hex() + " at " + joined.facts.address + " has joined");
  if (const auto found = known_.find(joined.node); found != known_.end()) {
    TellMembers(found->second, joined.node);
  }
}

void HeadRole::CarryOut(const cluster::MemberDead& dead) {
  LogInfo("node " + dead.node.Hex() + " is dead: " + std::string(cluster::TextOf(dead.reason)));
  parts_.carrier->OnDead(dead.node);
  for (auto& [number, bridge] : bridges_) {
    if (bridge.node == dead.node) {
      bridge.Close(Status::Disconnected("the node was declared dead"));
    }
  }
  known_.erase(dead.node);
  EndNodes(parts_.tables, {dead.node}, WallSeconds());
  TellMembers(wire::NodeDead{dead.node});
  parts_.declared_dead(dead.node);
}

// It may have been away, and may have missed either.
void HeadRole::Introduce(const NodeId& node) {
  for (const NodeId& dead : membership_.dead()) {
    parts_.carrier->Send(node, wire::Encode(wire::NodeDead{dead}));
  }
  for (const auto& [other, facts] : known_) {
    if (other != node && membership_.IsMember(other)) {
      parts_.carrier->Send(node, wire::Encode(facts));
    }
  }
}

void HeadRole::TellMembers(const wire::MemberMessage& message, const NodeId& except) {
  const cluster::Message encoded = wire::Encode(message);
  for (const auto& [node, facts] : known_) {
    if (node != except && membership_.IsMember(node)) parts_.carrier->Send(node, encoded);
  }
}

std::optional<int64_t> HeadRole::NextTickMs() const { return membership_.NextTickMs(); }

void HeadRole::Leave() { TellMembers(wire::ClusterEnds{}); }

std::string HeadRole::DebugText() const {
  std::string text = "head of cluster " + parts_.cluster.Hex() + "\n";
  for (const auto& [node, facts] : known_) {
    text += "  member " + node.Hex() + " at " + facts.address.Text() + "\n";
  }
  return text + "connections of members to the tables and the scheduler: " +
         std::to_string(bridges_.size()) + "\n";
}

}  // namespace rayx::daemon
