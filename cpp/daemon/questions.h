// What clients ask the node (common/protocol/questions.fbs), and the answers: one handler a
// question.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "common/protocol/generated/messages_generated.h"
#include "control/tables.h"
#include "daemon/messages/message_writer.h"
#include "daemon/others/drain_service.h"
#include "daemon/peers/peer_table.h"
#include "daemon/records/record_lists.h"
#include "node/node_core.h"

namespace rayx::daemon {

class Questions {
 public:
  // What the node tells of itself.
  struct Self {
    // The state of every part of it.
    std::function<std::string()> dump;
    // As it was registered.
    std::function<const control::NodeRecord&()> record;
    // Asks another node: `query` is the payload of the asker's Query. See RemoteQuestions.
    std::function<void(const NodeId& node, ClientId asker, uint64_t request,
                       std::span<const uint8_t> query)>
        ask_other;
    // Nothing: as long as it is by itself. Not OK, with words for people: it cannot be drained.
    std::function<Status(std::optional<int64_t> grace_ms)> drain;
    // There are other nodes, or may be.
    bool is_in_cluster = false;
    DrainService* draining = nullptr;
  };
  // All must outlive it.
  Questions(node::NodeCore* core, control::Tables* tables, const NodeId& node, PeerTable* peers,
            MessageWriter* writer, Self self)
      : core_(core),
        tables_(tables),
        node_(node),
        lists_(tables, core, node),
        peers_(peers),
        writer_(writer),
        self_(std::move(self)) {}

  // Sends the answer, now or when the control tables or another node have told it. `payload`: of
  // the Query. A failure is a breach of protocol.
  Status OnQuery(ConnectedPeer& peer, std::span<const uint8_t> payload);
  // An answer of another node, and that there is none.
  void OnOthersAnswer(ClientId asker, const Frame& answer);
  void OnOtherFailed(ClientId asker, uint64_t request, const std::string& why);

 private:
  // Sends one answer to a question, which has been verified.
  using Handler = void (Questions::*)(ConnectedPeer& peer, const protocol::Query& query);
  static Handler FindHandler(protocol::Question kind);
  void OnErrors(ConnectedPeer& peer, const protocol::Query& query);
  void OnResources(ConnectedPeer& peer, const protocol::Query& query);
  void OnDump(ConnectedPeer& peer, const protocol::Query& query);
  void OnNamedActor(ConnectedPeer& peer, const protocol::Query& query);
  void OnExplain(ConnectedPeer& peer, const protocol::Query& query);
  void OnHoldUp(ConnectedPeer& peer, const protocol::Query& query);
  void OnUnfinished(ConnectedPeer& peer, const protocol::Query& query);
  void OnNode(ConnectedPeer& peer, const protocol::Query& query);
  void OnNodes(ConnectedPeer& peer, const protocol::Query& query);
  void OnRecords(ConnectedPeer& peer, const protocol::Query& query);
  void OnDrain(ConnectedPeer& peer, const protocol::Query& query);

  // The task, if it is one of the peer's driver.
  const TaskSpec* FindTask(const ConnectedPeer& peer, const protocol::Id16& id) const;

  // `fill` gets a builder and returns the offset of the finished reply.
  template <typename Fill>
  void Reply(ConnectedPeer& peer, uint64_t request, Fill&& fill);
  void Fail(ConnectedPeer& peer, uint64_t request, const std::string& message);

  node::NodeCore* core_;
  control::Tables* tables_;
  const NodeId node_;
  RecordLists lists_;
  PeerTable* peers_;
  MessageWriter* writer_;
  Self self_;
};

}  // namespace rayx::daemon
