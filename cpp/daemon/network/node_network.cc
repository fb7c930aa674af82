#include "daemon/network/node_network.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/tls/key_file.h"
#include "daemon/network/head_contact.h"
#include "daemon/network/head_role.h"
#include "wire/member_messages.h"

namespace rayx::daemon {
namespace {

// Runs the loop until the head has answered.
Result<wire::NodeAdmission> AskHead(EventLoop* loop, NodeStreams* streams,
                                    const NetworkOptions& options) {
  const Result<HostPort> head = ParseHostPort(options.head);
  if (!head.ok()) return head.status();
  Result<wire::NodeAdmission> answer = Status::Unavailable("not asked yet");
  const HeadContact contact(loop, streams, *head, options.head_patience_ms,
                            [loop, &answer](const HeadContact::Answer& told) {
                              answer = told.admission;
                              loop->Stop();
                            });
  loop->Run([] { return false; });
  return answer;
}

}  // namespace

// ---- the start ----------------------------------------------------------------------------------

Result<std::unique_ptr<NodeNetwork>> NodeNetwork::Open(EventLoop* loop,
                                                       const NetworkOptions& options,
                                                       const NodeId& self) {
  std::optional<ClusterKey> key;
  if (!options.key_file.empty()) {
    const Result<ClusterKey> read = ReadKeyFile(options.key_file);
    if (!read.ok()) return Status::InvalidArgument(read.status().message());
    key = *read;
  }
  const auto streams_of = [&](const ClusterId& cluster) {
    return std::make_unique<NodeStreams>(
        key, NodeStreams::Identity{
                 .node = self, .cluster = cluster, .python_version = options.python_version});
  };
  wire::NodeAdmission head;
  auto joining = streams_of(ClusterId());
  if (options.joins()) {
    const Result<wire::NodeAdmission> answer = AskHead(loop, joining.get(), options);
    if (!answer.ok()) return answer.status();
    head = *answer;
  } else {
    const std::optional<ClusterId> cluster = ClusterId::FromHexString(options.cluster);
    if (!cluster) return Status::InvalidArgument("'" + options.cluster + "' is no cluster's id");
    head = {.node = self, .cluster = *cluster, .servers = 0};
  }
  return std::make_unique<NodeNetwork>(loop, options, std::move(joining), streams_of(head.cluster),
                                       head);
}

NodeNetwork::NodeNetwork(EventLoop* loop, NetworkOptions options,
                         std::unique_ptr<NodeStreams> joining, std::unique_ptr<NodeStreams> streams,
                         const wire::NodeAdmission& head)
    : loop_(loop),
      options_(std::move(options)),
      joining_(std::move(joining)),
      streams_(std::move(streams)),
      head_(head),
      carrier_(loop, streams_->identity().node,
               [this](const NodeId& peer, wire::DialledStream::Events events) {
                 return Reach(peer, std::move(events));
               },
               {.on_message =
                    [this](const NodeId& peer, uint16_t type, std::span<const uint8_t> payload) {
                      OnMessage(peer, type, payload);
                    },
                .on_begun =
                    [this](const NodeId& peer) {
                      if (events_.on_begun) events_.on_begun(peer);
                    },
                .on_ended =
                    [this](const cluster::SessionEnded& ended) {
                      role_->OnSessionEnded(ended.peer, ended.reason);
                      if (events_.on_ended) events_.on_ended(ended);
                    },
                .on_declared_dead = [this] { role_->OnDeclaredDead(); }}),
      reception_(
          loop, options_.python_version,
          {.decide = [this](const wire::NodeGreeting& greeting) { return Decide(greeting); },
           .welcomed =
               [this](const wire::NodeGreeting& greeting, std::unique_ptr<ByteStream> stream) {
                 OnWelcomed(greeting, std::move(stream));
               },
           .turned_away =
               [](const std::string& name, const std::string& why) {
                 LogWarning("the node at " + name + " was not let in: " + why);
               }}),
      listener_(loop, streams_->tls(),
                [this](std::unique_ptr<ByteStream> stream, const std::string& name) {
                  OnProven(std::move(stream), name);
                }) {}

NodeNetwork::~NodeNetwork() = default;

std::vector<control::RedisAddress> NodeNetwork::ServersThroughHead() {
  const HostPort head = ParseHostPort(options_.head).value();
  std::vector<control::RedisAddress> servers;
  for (uint32_t server = 0; server < head_.servers; ++server) {
    const NodeStreams::Target target{
        .address = head, .node = {}, .kind = protocol::ConnectionKind::Tables, .server = server};
    servers.push_back(
        {.unix_path = "control server " + std::to_string(server) + " of the head at " + head.Text(),
         .dial = [this, target] {
           const auto on_refused = [this](const wire::NodeRefusal& refusal) {
             if (refusal.declared_dead && role_) role_->OnDeclaredDead();
           };
           return streams_->Dial(target, {.on_admitted = nullptr, .on_refused = on_refused});
         }});
  }
  return servers;
}

Status NodeNetwork::Start(control::Tables* tables, const Services& services, Expelled expelled) {
  scheduler_socket_ = services.scheduler_socket;
  if (options_.joins()) {
    role_ = std::make_unique<MemberRole>(
        MemberRole::Parts{.loop = loop_,
                          .carrier = &carrier_,
                          .streams = streams_.get(),
                          .contacts = joining_.get(),
                          .head = head_.node,
                          .head_address = ParseHostPort(options_.head).value(),
                          .name = options_.address.host,
                          .address = options_.address,
                          .expelled = std::move(expelled)});
    return Listen();
  }
  role_ = std::make_unique<HeadRole>(
      HeadRole::Parts{.loop = loop_,
                      .carrier = &carrier_,
                      .tables = tables,
                      .servers = services.control_servers,
                      .self = head_.node,
                      .address = options_.address,
                      .cluster = head_.cluster,
                      .scheduler_socket = services.scheduler_socket,
                      // Not before: those who are dead must be known.
                      .restored =
                          [this] {
                            const Status listening = Listen();
                            if (listening.ok()) return;
                            LogError("others cannot join: " + listening.message());
                          },
                      .declared_dead =
                          [this](const NodeId& node) {
                            if (events_.on_declared_dead) events_.on_declared_dead(node);
                          }});
  return Status::Ok();
}

Status NodeNetwork::Listen() {
  return listener_.Listen({.socket = ScopedFd(options_.port_fd), .port = options_.address.port});
}

// ---- connections --------------------------------------------------------------------------------

void NodeNetwork::OnProven(std::unique_ptr<ByteStream> stream, const std::string& name) {
  // Without a key nobody has proven anything, and anybody may say nothing for long.
  if (!streams_->tls() && reception_.guest_count() >= limits::kUnprovenMax) return;
  reception_.Receive(std::move(stream), name);
}

std::variant<wire::NodeAdmission, wire::NodeRefusal> NodeNetwork::Decide(
    const wire::NodeGreeting& greeting) {
  const NodeStreams::Identity& self = streams_->identity();
  if (!greeting.cluster.IsNil() && greeting.cluster != self.cluster) {
    return wire::NodeRefusal{"it belongs to another cluster than this node"};
  }
  if (greeting.node == self.node) return wire::NodeRefusal{"it has this node's own id"};
  return role_->Decide(greeting);
}

void NodeNetwork::OnWelcomed(const wire::NodeGreeting& greeting,
                             std::unique_ptr<ByteStream> stream) {
  if (greeting.kind == protocol::ConnectionKind::Control) {
    carrier_.Take(std::move(stream));
  } else if (greeting.kind == protocol::ConnectionKind::Bulk) {
    if (events_.on_bulk) events_.on_bulk(greeting.node, std::move(stream));
  } else if (greeting.kind == protocol::ConnectionKind::Questions) {
    if (events_.on_questions) events_.on_questions(std::move(stream));
  } else {
    role_->OnWelcomed(greeting, std::move(stream));
  }
}

Result<std::unique_ptr<ByteStream>> NodeNetwork::Reach(const NodeId& peer,
                                                       wire::DialledStream::Events events) {
  const std::optional<NodeStreams::Target> target = role_->TargetOf(peer);
  if (!target) return Status::Unavailable("nobody has told where node " + peer.Hex() + " is");
  return streams_->Dial(*target, std::move(events));
}

bool NodeNetwork::HasRoom(const NodeId& node) const {
  const cluster::PeerSession* session = carrier_.Find(node);
  return session != nullptr && session->room() > limits::kPeerUnacknowledgedBytesMax / 2;
}

Result<std::unique_ptr<ByteStream>> NodeNetwork::DialScheduler() {
  if (!options_.joins()) return control::DialUnix(scheduler_socket_);
  std::optional<NodeStreams::Target> head = role_->TargetOfHead();
  if (!head) return Status::Unavailable("the head is not found");
  head->kind = protocol::ConnectionKind::Scheduler;
  return streams_->Dial(*head, {});
}

Result<std::unique_ptr<ByteStream>> NodeNetwork::DialNode(const NodeId& node,
                                                          protocol::ConnectionKind kind) {
  std::optional<NodeStreams::Target> target = role_->TargetOf(node);
  if (!target) return Status::Unavailable("nobody has told where node " + node.Hex() + " is");
  target->kind = kind;
  return streams_->Dial(*target, {});
}

void NodeNetwork::OnMessage(const NodeId& peer, uint16_t type, std::span<const uint8_t> payload) {
  const Status heard = Hear(peer, type, payload);
  if (heard.ok()) return;
  LogError("node " + peer.Hex() + " breaks the protocol: " + heard.message());
  carrier_.End(peer, cluster::EndReason::kBreach);
}

Status NodeNetwork::Hear(const NodeId& peer, uint16_t type, std::span<const uint8_t> payload) {
  if (events_.on_message && !wire::IsMemberMessage(type)) {
    return events_.on_message(peer, type, payload);
  }
  const Result<wire::MemberMessage> message = wire::DecodeMemberMessage(type, payload);
  return message.ok() ? role_->OnMessage(peer, *message) : message.status();
}

// ---- the turn -----------------------------------------------------------------------------------

void NodeNetwork::OnTurn() {
  if (!role_) return;
  role_->OnTurn(loop_->now_ms());
  carrier_.OnTurn();
  // What has ended in the carrier's turn.
  role_->OnTurn(loop_->now_ms());
}

std::optional<int64_t> NodeNetwork::NextTickMs() const {
  if (!role_) return std::nullopt;
  const std::optional<int64_t> session = carrier_.NextTickMs();
  const std::optional<int64_t> role = role_->NextTickMs();
  if (!session || !role) return session ? session : role;
  return std::min(*session, *role);
}

void NodeNetwork::Leave() {
  listener_.Close();
  if (!role_) return;
  role_->Leave();
  carrier_.OnTurn();
}

std::string NodeNetwork::DebugText() const {
  if (!role_) return "";
  return role_->DebugText() + listener_.DebugText();
}

}  // namespace rayx::daemon
