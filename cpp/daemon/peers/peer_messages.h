// What the core sends to its peers, as messages on their connections.
#pragma once

#include <span>
#include <string>

#include "daemon/messages/message_writer.h"
#include "daemon/peers/peer_table.h"
#include "node/shell.h"

namespace rayx::daemon {

class PeerMessages final : public node::Peers {
 public:
  // Both must outlive it.
  PeerMessages(PeerTable* peers, MessageWriter* writer) : peers_(peers), writer_(writer) {}

  ConnectedPeer* FindPeer(ClientId id) override { return peers_->Find(id); }
  uint64_t BacklogBytes(const node::Peer& peer) const override {
    return static_cast<const ConnectedPeer&>(peer).connection->backlog_bytes();
  }
  void Close(ClientId id, Status reason) override { peers_->Close(id, std::move(reason)); }

  void SendObjects(node::Peer& peer, std::span<const node::ObjectView> objects,
                   uint64_t fence) override;
  void SendFunction(node::Peer& peer, const FunctionId& id, const std::string* pickled) override;
  void SendForgetFunction(node::Peer& peer, const FunctionId& id) override;
  void SendLines(node::Peer& peer, const node::PrintedLines& lines) override;
  void SendTaskFailed(node::Peer& peer, std::string_view text) override;
  void SendDrained(node::Peer& peer) override;

 private:
  // Every peer that the core knows is a ConnectedPeer.
  static Connection& ConnectionOf(node::Peer& peer) {
    return *static_cast<ConnectedPeer&>(peer).connection;
  }

  PeerTable* peers_;
  MessageWriter* writer_;
};

}  // namespace rayx::daemon
