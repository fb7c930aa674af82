// The head of a cluster: decides who is a member and who is dead (cluster/membership.h), and joins
// the others to the control servers and the global scheduler, which are on its machine.
//
//   Restore ──(the table of nodes was read)──▶ others are let in
//
// A member that is declared dead loses its connections to the tables at once, and gets no other:
// so nothing that it writes late comes behind what was written for it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/membership.h"
#include "common/base/ids.h"
#include "common/io/event_loop.h"
#include "common/io/stream_bridge.h"
#include "control/redis_connection.h"
#include "control/table_bridge.h"
#include "control/tables.h"
#include "daemon/network/cluster_role.h"
#include "wire/session_carrier.h"

namespace rayx::daemon {

class HeadRole final : public ClusterRole {
 public:
  struct Parts {
    EventLoop* loop = nullptr;
    wire::SessionCarrier* carrier = nullptr;
    control::Tables* tables = nullptr;
    // The control servers, the primary first.
    std::vector<control::RedisEndpoint> servers;
    NodeId self;
    HostPort address;
    ClusterId cluster;
    // The global scheduler's socket, to which others are joined as well.
    std::string scheduler_socket;
    // The table of nodes has been read.
    std::function<void()> restored;
    // A node was declared dead. From a turn.
    std::function<void(const NodeId& node)> declared_dead;
  };

  // The parts must outlive it. It begins to read the table.
  explicit HeadRole(Parts parts);
  ~HeadRole() override;

  std::variant<wire::NodeAdmission, wire::NodeRefusal> Decide(
      const wire::NodeGreeting& greeting) override;
  void OnWelcomed(const wire::NodeGreeting& greeting, std::unique_ptr<ByteStream> stream) override;
  Status OnMessage(const NodeId& peer, const wire::MemberMessage& message) override;
  void OnSessionEnded(const NodeId& peer, cluster::EndReason reason) override;
  std::optional<NodeStreams::Target> TargetOf(const NodeId& peer) const override;
  std::optional<NodeStreams::Target> TargetOfHead() const override { return std::nullopt; }
  // Nobody can say so of the node that decides.
  void OnDeclaredDead() override {}
  void OnTurn(int64_t now_ms) override;
  std::optional<int64_t> NextTickMs() const override;
  void Leave() override;
  std::string DebugText() const override;

 private:
  // One of the two.
  struct Bridge {
    NodeId node;
    std::unique_ptr<control::TableBridge> tables;
    std::unique_ptr<StreamBridge> scheduler;

    void Close(const Status& reason) { tables ? tables->Close(reason) : scheduler->Close(reason); }
  };

  // Ends with the stream that it begins for the node, if there is nobody at the other end.
  void JoinToScheduler(const NodeId& node, std::unique_ptr<ByteStream> stream);
  void ReadTable();
  void OnTable(const std::vector<control::NodeRecord>& nodes);
  void CarryOut(const cluster::MemberJoined& joined);
  void CarryOut(const cluster::MemberDead& dead);
  // Tells a node that has registered who else is a member, and who is not any more.
  void Introduce(const NodeId& node);
  void TellMembers(const wire::MemberMessage& message, const NodeId& except = {});

  const Parts parts_;
  // What the table's answer looks for: it may come when this is gone.
  std::shared_ptr<HeadRole*> here_;
  cluster::Membership membership_;
  // As others are told.
  std::map<NodeId, wire::NodeJoined> known_;
  uint64_t last_bridge_ = 0;
  std::map<uint64_t, Bridge> bridges_;
  // To be destroyed in the next turn.
  std::vector<uint64_t> closed_bridges_;
  std::unique_ptr<EventLoop::Timer> retry_;
};

}  // namespace rayx::daemon
