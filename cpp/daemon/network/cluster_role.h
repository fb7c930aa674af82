// What a node is in its cluster: the head (head_role.h), or a member that has joined
// (member_role.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "cluster/wire_values.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "daemon/network/node_streams.h"
#include "wire/greeting.h"
#include "wire/member_messages.h"

namespace rayx::daemon {

class ClusterRole {
 public:
  virtual ~ClusterRole() = default;

  // What a node that greets this one is answered. It is of this cluster, or joins.
  virtual std::variant<wire::NodeAdmission, wire::NodeRefusal> Decide(
      const wire::NodeGreeting& greeting) = 0;
  // A connection that was welcomed and carries no session.
  virtual void OnWelcomed(const wire::NodeGreeting& greeting,
                          std::unique_ptr<ByteStream> stream) = 0;
  // ProtocolError ends the session.
  virtual Status OnMessage(const NodeId& peer, const wire::MemberMessage& message) = 0;
  virtual void OnSessionEnded(const NodeId& peer, cluster::EndReason reason) = 0;
  // How to reach a node for a session; nothing if it is not known.
  virtual std::optional<NodeStreams::Target> TargetOf(const NodeId& peer) const = 0;
  // The head, as a member reaches it; nothing while it is not found, and of the head itself.
  virtual std::optional<NodeStreams::Target> TargetOfHead() const = 0;
  // A peer says that this node was declared dead.
  virtual void OnDeclaredDead() = 0;

  // Each turn of the loop, after what has arrived was heard.
  virtual void OnTurn(int64_t now_ms) = 0;
  // When OnTurn should be called although nothing happens.
  virtual std::optional<int64_t> NextTickMs() const = 0;
  // The node ends as it was asked to; others are told. It is not expelled after that.
  virtual void Leave() = 0;
  virtual std::string DebugText() const = 0;
};

}  // namespace rayx::daemon
