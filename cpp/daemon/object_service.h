// The object store's place in the daemon: messages about objects in, deliveries out, and the pool's
// memory.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/scoped_fd.h"
#include "common/protocol/generated/messages_generated.h"
#include "daemon/message_writer.h"
#include "daemon/session_table.h"
#include "plasma/object_store.h"

namespace rayx::daemon {

class ObjectService {
 public:
  struct Events {
    std::function<void(const ObjectId&)> on_sealed;
    std::function<void(const ObjectId&)> on_deleted;
  };

  // `pool` and `pool_read_only` are two descriptors of the same memory of `pool_bytes`.
  ObjectService(SessionTable* sessions, MessageWriter* writer, uint64_t pool_bytes, ScopedFd pool,
                ScopedFd pool_read_only, Events events);

  // --- messages; a Status that is not OK is the peer's breach of protocol ---
  Status OnPut(Session& session, const protocol::PutObject& message);
  Status OnCreate(Session& session, const protocol::CreateObject& message);
  Status OnPutInRoom(Session& session, const protocol::PutInRoom& message);
  Status OnSeal(Session& session, const protocol::SealObject& message);
  Status OnAbort(Session& session, const protocol::AbortObject& message);
  Status OnGet(Session& session, const protocol::GetObjects& message);
  Status OnRelease(Session& session, const protocol::ReleaseObjects& message);
  Status OnAddReferences(Session& session, const protocol::AddReferences& message);

  // Acts on what the store has decided: events above, deliveries queued. True if there was
  // anything.
  bool DrainEffects();
  // The session is closed: what its client had of the store goes.
  void OnSessionClosed(Session& session);
  // Sends queued deliveries as far as peers read.
  void SendDeliveries();

  // A duplicate of the read-only descriptor, for a new client.
  Result<ScopedFd> DuplicateReadOnlyPool() const;
  uint64_t pool_bytes() const { return pool_bytes_; }
  plasma::ObjectStore& store() { return store_; }

 private:
  Result<uint64_t> Create(Session& session, const ObjectId& id, uint64_t size_bytes);
  // Room held ready for clients, and not taken, is free again; false if there was none.
  bool TakeBackReadyRooms();
  // What goes along with the answer to Create: descriptors that the client does not have yet.
  struct Memory {
    std::vector<ScopedFd> fds;
    bool has_pool = false;
    bool has_rooms = false;
  };
  Result<Memory> MemoryFor(Session& session);
  // Appends the object to the message being built. False if it is gone.
  void SendBatch(Session& session);

  SessionTable* sessions_;
  MessageWriter* writer_;
  uint64_t pool_bytes_;
  ScopedFd pool_;
  ScopedFd pool_read_only_;
  Events events_;
  plasma::ObjectStore store_;
};

// An ObjectValue for what `location` says. REQUIRES: valid until the message is sent.
flatbuffers::Offset<protocol::ObjectValue> WriteObjectValue(flatbuffers::FlatBufferBuilder& builder,
                                                            const ObjectId& id,
                                                            const plasma::ObjectLocation& location,
                                                            bool pinned);

}  // namespace rayx::daemon
