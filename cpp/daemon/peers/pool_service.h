// The memory of the pool: descriptors for clients that read it, room for clients that write to it.
//
// The object store decides where an object lies. This service passes the memory on, and reserves
// some for clients that store one large value after the other (client_reservations.h).
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

  // Takes two descriptors of the same memory.
  void Serve(ScopedFd pool, ScopedFd pool_read_only);

  // A failure is a breach of protocol.
  Status OnCreate(ConnectedPeer& peer, const protocol::CreateObject& message);
  // The client has put an object into its reservation at `offset`, or says so.
  void OnPutReserved(ConnectedPeer& peer, uint64_t offset);
  // To be called before the store hears of it: the client will not write to what it can no longer
  // take, however late it learns that it is disconnected.
  void OnPeerClosed(ConnectedPeer& peer);

  // Frees what is reserved for clients and not taken; false if there was nothing.
  bool TakeBack() override;

  // Bytes of the pool, for values that come from other nodes or go there.
  Status ReadAt(uint64_t offset, std::span<uint8_t> bytes) const;
  Status WriteAt(uint64_t offset, std::span<const uint8_t> bytes);

  // A duplicate of the read-only descriptor, for a new client.
  Result<ScopedFd> DuplicateReadOnlyPool() const;

 private:
  Result<uint64_t> Create(ConnectedPeer& peer, PoolUse* use, const ObjectId& id,
                          uint64_t size_bytes);
  // The descriptors that go with the answer to Create, since the client does not have them yet.
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
