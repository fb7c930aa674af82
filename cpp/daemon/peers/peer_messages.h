// What the core sends to its peers, as messages on their connections.
#pragma once

#include <span>
#include <string>

#include "daemon/messages/message_writer.h"
#include "daemon/peers/session_table.h"
#include "node/shell.h"

namespace rayx::daemon {

class PeerMessages final : public node::Peers {
 public:
  // Both must outlive it.
  PeerMessages(SessionTable* sessions, MessageWriter* writer)
      : sessions_(sessions), writer_(writer) {}

  Session* FindPeer(ClientId id) override { return sessions_->Find(id); }
  uint64_t BacklogBytes(const node::Peer& peer) const override {
    return static_cast<const Session&>(peer).connection->backlog_bytes();
  }
  void Close(ClientId id, Status reason) override { sessions_->Close(id, std::move(reason)); }

  void SendObjects(node::Peer& peer, std::span<const node::ObjectView> objects,
                   uint64_t fence) override;
  void SendFunction(node::Peer& peer, const FunctionId& id, const std::string* pickled) override;
  void SendForgetFunction(node::Peer& peer, const FunctionId& id) override;
  void SendLines(node::Peer& peer, const node::PrintedLines& lines) override;
  void SendTaskFailed(node::Peer& peer, std::string_view text) override;
  void SendDrained(node::Peer& peer) override;

 private:
  // All peers of the core are sessions.
  static Connection& ConnectionOf(node::Peer& peer) {
    return *static_cast<Session&>(peer).connection;
  }

  SessionTable* sessions_;
  MessageWriter* writer_;
};

}  // namespace rayx::daemon
