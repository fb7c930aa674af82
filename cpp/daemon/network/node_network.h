// A node among others: its port, its sessions, and its role in the cluster.
//
//   network_listener ──(the key is proven)──▶ Reception ──(greeted, welcomed)──┬─▶ SessionCarrier
//    (listening/)                              (wire/)                         └─▶ ClusterRole
//
//   NodeNetwork::Open     reads the key; of a node that joins, asks the head who it is
//   Start                 registers, or lets others register
//   OnTurn, each turn     hears, says, and finds out who is gone
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "control/redis_tables.h"
#include "control/tables.h"
#include "daemon/listening/network_listener.h"
#include "daemon/network/cluster_role.h"
#include "daemon/network/member_role.h"
#include "daemon/network/network_options.h"
#include "daemon/network/node_streams.h"
#include "wire/reception.h"
#include "wire/session_carrier.h"

namespace rayx::daemon {

class NodeNetwork {
 public:
  // From a turn; it must not destroy the network at once.
  using Expelled = std::function<void(Expulsion why, const std::string& text)>;

  // Runs `loop`, if the head must be asked. Errors: InvalidArgument for what whoever starts the
  // node has to change (the key, the address, the versions), anything else for what may be over
  // later.
  static Result<std::unique_ptr<NodeNetwork>> Open(EventLoop* loop, const NetworkOptions& options,
                                                   const NodeId& self);
  // For Open: `joining` are its streams as long as it did not know its cluster.
  NodeNetwork(EventLoop* loop, NetworkOptions options, std::unique_ptr<NodeStreams> joining,
              std::unique_ptr<NodeStreams> streams, const wire::NodeAdmission& head);
  ~NodeNetwork();
  NodeNetwork(const NodeNetwork&) = delete;
  NodeNetwork& operator=(const NodeNetwork&) = delete;

  // Of a node that has joined: the control servers, through the head.
  std::vector<control::RedisAddress> ServersThroughHead();
  // Of the head: what on its machine others are joined to.
  struct Services {
    std::vector<control::RedisEndpoint> control_servers;
    std::string scheduler_socket;
  };
  // What nodes say to each other beside who is a member: of each session its begin, its messages in
  // order, and its end. Called from turns, on_begun also from inside SessionCarrier::Open.
  struct SessionEvents {
    std::function<void(const NodeId& peer)> on_begun;
    // A type that is none of wire::IsMemberMessage. An error ends the session.
    std::function<Status(const NodeId& peer, uint16_t type, std::span<const uint8_t> payload)>
        on_message;
    std::function<void(const cluster::SessionEnded& ended)> on_ended;
    // This node, the head, has declared another one dead.
    std::function<void(const NodeId& node)> on_declared_dead = nullptr;
    // A node wants to have values on this stream, behind its greeting.
    std::function<void(const NodeId& peer, std::unique_ptr<ByteStream> stream)> on_bulk;
    // A node has questions of its clients.
    std::function<void(std::unique_ptr<ByteStream> stream)> on_questions;
  };
  // Before Start.
  void Follow(SessionEvents events) { events_ = std::move(events); }
  // With the head, there is one from the registration on. With any other node, whoever has
  // something to say opens one; both must be members by then, as both have been told, or it ends as
  // silent.
  wire::SessionCarrier& sessions() { return carrier_; }
  // More can be said in the session with the node for now.
  bool HasRoom(const NodeId& node) const;
  // A stream to the global scheduler, or one on which a node answers with values, or what it is
  // asked; after Start.
  Result<std::unique_ptr<ByteStream>> DialScheduler();
  Result<std::unique_ptr<ByteStream>> DialNode(const NodeId& node, protocol::ConnectionKind kind);

  // `tables` must outlive the network.
  Status Start(control::Tables* tables, const Services& services, Expelled expelled);

  // Each turn of the loop, after what has arrived was heard: who follows is told of sessions.
  void OnTurn();
  // What was said since goes out. At the end of the turn.
  void Flush() { carrier_.OnTurn(); }
  // Takes connections; after all else has been sent.
  void Accept() { listener_.OnTurn(); }
  std::optional<int64_t> NextTickMs() const;
  // The node ends as it was asked to. Others are told, as far as that is possible at once.
  void Leave();

  const NetworkOptions& options() const { return options_; }
  std::string DebugText() const;

 private:
  void OnProven(std::unique_ptr<ByteStream> stream, const std::string& name);
  std::variant<wire::NodeAdmission, wire::NodeRefusal> Decide(const wire::NodeGreeting& greeting);
  void OnWelcomed(const wire::NodeGreeting& greeting, std::unique_ptr<ByteStream> stream);
  Result<std::unique_ptr<ByteStream>> Reach(const NodeId& peer, wire::DialledStream::Events events);
  void OnMessage(const NodeId& peer, uint16_t type, std::span<const uint8_t> payload);
  Status Hear(const NodeId& peer, uint16_t type, std::span<const uint8_t> payload);
  Status Listen();

  EventLoop* const loop_;
  const NetworkOptions options_;
  SessionEvents events_;
  // As of a node that does not know its cluster.
  const std::unique_ptr<NodeStreams> joining_;
  const std::unique_ptr<NodeStreams> streams_;
  // Of a node that joins: what the head has answered.
  const wire::NodeAdmission head_;
  wire::SessionCarrier carrier_;
  // Null before Start.
  std::unique_ptr<ClusterRole> role_;
  // Of the head.
  std::string scheduler_socket_;
  wire::Reception reception_;
  NetworkListener listener_;
};

}  // namespace rayx::daemon
