// What clients ask the node (common/protocol/questions.fbs), and the answers: one handler a
// question.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "common/protocol/generated/messages_generated.h"
#include "control/tables.h"
#include "daemon/messages/message_writer.h"
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
  };
  // All must outlive it.
  Questions(node::NodeCore* core, control::Tables* tables, const NodeId& node, PeerTable* peers,
            MessageWriter* writer, Self self)
      : core_(core),
        tables_(tables),
        lists_(tables, core, node),
        peers_(peers),
        writer_(writer),
        self_(std::move(self)) {}

  // Sends the answer, now or when the control tables have told it. A failure is a breach of
  // protocol.
  Status OnQuery(ConnectedPeer& peer, const protocol::Query& query);

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

  // The task, if it is one of the peer's driver.
  const TaskSpec* FindTask(const ConnectedPeer& peer, const protocol::Id16& id) const;

  // `fill` gets a builder and returns the offset of the finished reply.
  template <typename Fill>
  void Reply(ConnectedPeer& peer, uint64_t request, Fill&& fill);
  void Fail(ConnectedPeer& peer, uint64_t request, const std::string& message);

  node::NodeCore* core_;
  control::Tables* tables_;
  RecordLists lists_;
  PeerTable* peers_;
  MessageWriter* writer_;
  Self self_;
};

}  // namespace rayx::daemon
