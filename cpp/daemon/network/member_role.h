// A node that has joined a cluster, as it acts (cluster/member.h decides): registers with the head,
// finds it again when the session with it has ended, and ends when it was declared dead or when
// there is no cluster any more. The head tells it of the other members; it speaks to them itself.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "cluster/member.h"
#include "common/base/ids.h"
#include "common/io/event_loop.h"
#include "common/io/host_port.h"
#include "daemon/network/cluster_role.h"
#include "daemon/network/head_contact.h"
#include "daemon/network/node_streams.h"
#include "wire/session_carrier.h"

namespace rayx::daemon {

// Why a member cannot go on.
enum class Expulsion {
  // It was declared dead. It may join again, under another id.
  kDead,
  // The cluster has ended, or does not take it any more.
  kClusterOver,
};

class MemberRole final : public ClusterRole {
 public:
  struct Parts {
    EventLoop* loop = nullptr;
    wire::SessionCarrier* carrier = nullptr;
    NodeStreams* streams = nullptr;
    // As of a node that joins: they tell which cluster the head has now.
    NodeStreams* contacts = nullptr;
    NodeId head;
    HostPort head_address;
    // As the head is told.
    std::string name;
    HostPort address;
    // From OnTurn, once; never after Leave.
    std::function<void(Expulsion why, const std::string& text)> expelled;
  };

  // The parts must outlive it. It registers.
  explicit MemberRole(Parts parts);
  ~MemberRole() override;

  std::variant<wire::NodeAdmission, wire::NodeRefusal> Decide(
      const wire::NodeGreeting& greeting) override;
  void OnWelcomed(const wire::NodeGreeting&, std::unique_ptr<ByteStream>) override {}
  Status OnMessage(const NodeId& peer, const wire::MemberMessage& message) override;
  void OnSessionEnded(const NodeId& peer, cluster::EndReason reason) override;
  std::optional<NodeStreams::Target> TargetOf(const NodeId& peer) const override;
  std::optional<NodeStreams::Target> TargetOfHead() const override;
  void OnDeclaredDead() override;
  void OnTurn(int64_t now_ms) override;
  std::optional<int64_t> NextTickMs() const override { return std::nullopt; }
  void Leave() override;
  std::string DebugText() const override;

 private:
  void CarryOut(const cluster::RegisterNode& effect);
  void CarryOut(const cluster::EndWork& effect);
  void Register();
  void FindHead();
  void OnHeadFound(const HeadContact::Answer& answer);
  // In the next turn: what has happened may be told from inside the carrier.
  void Expel(Expulsion why, const std::string& text);

  const Parts parts_;
  cluster::Member member_;
  NodeId head_;
  // Beside the head.
  std::map<NodeId, HostPort> others_;
  // The session with the head has ended, and it has not been found again.
  bool is_headless_ = false;
  // It ends as it was asked to: whatever the head says of that is no reason to end for.
  bool has_left_ = false;
  std::unique_ptr<HeadContact> contact_;
  std::optional<std::pair<Expulsion, std::string>> expulsion_;
};

}  // namespace rayx::daemon
