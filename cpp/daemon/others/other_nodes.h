// The other nodes of the cluster, as the core of this one knows them (node/shell.h): sessions that
// are clients of its store, tasks that are offered, values that are copied.
//
//   core ──Send──▶ remote_codec ──▶ NodeNetwork ──▶ sessions
//        ──Offer─▶ SchedulerLink ──▶ the global scheduler
//        ──SendOnStream─▶ ValueStreams ──▶ TransferThread ◀──▶ those of other nodes
//   clients ─Ask─▶ RemoteQuestions ──▶ streams on which other nodes answer (Questions)
//
// Threads: one, beside that of the TransferThread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "daemon/network/node_network.h"
#include "daemon/others/remote_questions.h"
#include "daemon/others/value_streams.h"
#include "daemon/others/waiting_messages.h"
#include "daemon/peers/peer_table.h"
#include "daemon/peers/pool_service.h"
#include "global_scheduler/scheduler_link.h"
#include "node/node_core.h"
#include "node/shell.h"

namespace rayx::daemon {

class OtherNodes final : public node::OtherNodes, private global_scheduler::SchedulerLink::Events {
 public:
  struct Parts {
    EventLoop* loop = nullptr;
    NodeNetwork* network = nullptr;
    PeerTable* peers = nullptr;
    PoolService* pool = nullptr;
    node::NodeCore* core = nullptr;
    NodeId self;
    // What this node has.
    ResourceSet total;
    // What other nodes have answered to clients of this one.
    RemoteQuestions::Events answers;
  };
  // The parts must outlive it, and need not be made yet; what they have is used in turns only.
  explicit OtherNodes(const Parts& parts);
  ~OtherNodes() override;

  // In each turn of the loop: before the core's turn, and when it has had its turn. True if another
  // turn should follow at once.
  void BeforeTurn();
  bool AfterTurn();
  // Something was said to another node, or by it, a moment ago: an answer is waited for.
  bool IsTalking() const { return parts_.loop->now_ms() - talked_ms_ <= kTalkMs; }
  std::optional<int64_t> NextTickMs() const;
  // The node is drained: nothing is to be placed here any more. True if each other node has said
  // that it has all that was said to it.
  bool Drain();
  // As RemoteQuestions.
  void Ask(const NodeId& node, ClientId asker, uint64_t request, std::span<const uint8_t> query) {
    questions_.Ask(node, asker, request, query);
  }
  std::string DebugText() const;

  // --- node::OtherNodes ---
  NodeId self() const override { return parts_.self; }
  void Send(ClientId session, node::remote::Message message) override;
  bool HasRoom(ClientId session) const override;
  void SendOnStream(const NodeId& node, const transfer::OnStream& message) override {
    values_.Say(node, message);
  }
  bool HasOthers() const override { return !known_.empty(); }
  // Tasks that could run here wait here first (node/task_spread.h).
  bool ShouldOffer(const TaskSpec& /*spec*/) override { return false; }
  void Offer(const node::TaskOffer& offer) override;
  void Withdraw(const TaskId& task, uint32_t attempt) override;

 private:
  static constexpr int64_t kTalkMs = 5;
  // A node with which a session has ended, though it may live, is given nothing for so long; and
  // what is placed on a node that cannot be reached is offered again so late, since it is likely to
  // be placed there once more.
  static constexpr int64_t kAvoidMs = 2000;
  static constexpr int64_t kHoldMs = 200;

  struct Held {
    placement::OfferName offer;
    NodeId node;
    int64_t due_ms = 0;
  };

  void OnPlace(const placement::OfferName& offer, const NodeId& node) override;
  void OnUnplaceable(std::span<const placement::OfferName> offers, const std::string& reason,
                     bool for_ever) override;
  void OnNodeJoined(const NodeId& node) override;
  void OnNodeDead(const NodeId& node) override;

  void OnSessionEnded(const cluster::SessionEnded& ended);
  Status OnMessage(const NodeId& node, uint16_t type, std::span<const uint8_t> payload);

  // Whether there is a session with the node, after one was opened if there may be one.
  bool Reach(const NodeId& node);
  void GiveHeld();
  // What there was no room for in sessions. One for which too much waits has ended.
  void SendWaiting();

  node::RemoteTasks& remote() { return parts_.core->tasks().remote(); }
  // Of a session that has begun: the core is told of it.
  void OnSessionBegun(const NodeId& node);

  const Parts parts_;
  std::map<NodeId, ClientId> sessions_;
  std::map<ClientId, NodeId> nodes_;
  // To be said to nodes that have not heard what was said before.
  WaitingMessages waiting_;
  // With these a session has ended: until when they are avoided.
  std::map<NodeId, int64_t> avoided_;
  // Placements on nodes that cannot be reached, by when they are due.
  std::deque<Held> held_;
  // Nodes that the global scheduler has told of.
  std::set<NodeId> known_;
  std::unique_ptr<global_scheduler::SchedulerLink> scheduler_;
  ValueStreams values_;
  RemoteQuestions questions_;
  // Events have come to the core that has had its turn.
  bool has_events_ = false;
  // Something is to be sent, or a session was opened, since the last Flush.
  bool has_said_ = false;
  int64_t load_ms_ = 0;
  // For people and tests.
  uint64_t said_ = 0;
  uint64_t heard_ = 0;
  int64_t talked_ms_ = -kTalkMs - 1;
};

}  // namespace rayx::daemon
