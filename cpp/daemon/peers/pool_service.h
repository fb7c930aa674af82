// The memory of the pool: descriptors for those who read it, room for those who write to it.
//
// Where an object lies is decided by the object store; here its memory is passed on, and some is
// reserved for clients that store one large value after the other (client_reservations.h).
#pragma once

#include <span>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/os/scoped_fd.h"
#include "common/protocol/generated/messages_generated.h"
#include "daemon/messages/message_writer.h"
#include "daemon/peers/peer_table.h"
#include "node/node_core.h"
#include "node/shell.h"

namespace rayx::daemon {

class PoolService final : public node::Reservations {
 public:
  // `core` is used from the first message on. All must outlive it.
  PoolService(PeerTable* peers, MessageWriter* writer, node::NodeCore* core)
      : peers_(peers), writer_(writer), core_(core) {}

  // Two descriptors of the same memory.
  void Serve(ScopedFd pool, ScopedFd pool_read_only);

  // Not OK: a breach of protocol.
  Status OnCreate(ConnectedPeer& peer, const protocol::CreateObject& message);
  // The client has put an object in its reservation there, or what it says is one.
  void OnPutReserved(ConnectedPeer& peer, uint64_t offset);
  // Before the store hears of it: what the client no longer can take, it will not write to, however
  // late it learns that it is not connected any more.
  void OnPeerClosed(ConnectedPeer& peer);

  // What is reserved for clients, and not taken, is free again; false if there was none.
  bool TakeBack() override;

  // A duplicate of the read-only descriptor, for a new client.
  Result<ScopedFd> DuplicateReadOnlyPool() const;

 private:
  Result<uint64_t> Create(ConnectedPeer& peer, PoolUse* use, const ObjectId& id,
                          uint64_t size_bytes);
  // What goes along with the answer to Create: descriptors that the client does not have yet.
  struct Memory {
    std::vector<ScopedFd> fds;
    bool has_pool = false;
    bool has_reservations = false;
  };
  Result<Memory> MemoryFor(PoolUse* use);

  PeerTable* peers_;
  MessageWriter* writer_;
  node::NodeCore* core_;
  ScopedFd pool_;
  ScopedFd pool_read_only_;
};

}  // namespace rayx::daemon
