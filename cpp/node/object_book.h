// Objects: what peers do with the store, and who is told of what it decides.
//
// What is to be delivered waits in the list of its peer (Peer::deliveries) and is sent in batches
// as far as the peer reads.
#pragma once

#include <span>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/actor_book.h"
#include "node/function_book.h"
#include "node/remote_objects.h"
#include "node/shell.h"
#include "node/task_book.h"
#include "plasma/object_store.h"

namespace rayx::node {

class ObjectBook {
 public:
  // All must outlive it.
  ObjectBook(const Shell& shell, plasma::ObjectStore* store, TaskBook* tasks, ActorBook* actors,
             FunctionBook* functions, RemoteObjects* remote)
      : shell_(shell),
        store_(store),
        tasks_(tasks),
        actors_(actors),
        functions_(functions),
        remote_(remote) {}

  // --- wishes of peers; a Status that is not OK is the peer's breach of protocol ---
  // A small object, whole. A second value of an id (of a task that ran twice) is no breach; the
  // first one wins.
  Status OnPut(const Peer& peer, const ObjectId& id, std::span<const uint8_t> data,
               std::span<const ObjectId> contained);
  // In memory that was reserved for the peer, with `offset` and `size` of the value.
  Status OnPutReserved(const Peer& peer, const ObjectId& id, plasma::Extent value,
                       std::span<const ObjectId> contained, bool keep_reference);
  // Room in the pool, of which the peer is told whatever the answer: ObjectStore::Create.
  Result<uint64_t> Create(const Peer& peer, const ObjectId& id, uint64_t size_bytes);
  Status OnSeal(const Peer& peer, const ObjectId& id, std::span<const ObjectId> contained);
  Status OnAbort(const Peer& peer, const ObjectId& id) { return store_->Abort(peer.id, id); }
  void OnGet(Peer& peer, std::span<const ObjectId> ids, bool pin, uint64_t fence);
  Status OnRelease(const Peer& peer, std::span<const ObjectId> unpinned,
                   std::span<const ObjectId> unreferenced);
  void OnAddReferences(const Peer& peer, std::span<const ObjectId> ids);

  // Tells others what the store has decided, and queues deliveries. True if there was anything.
  bool DrainEffects();
  // Sends queued deliveries as far as peers read.
  void SendDeliveries();
  // Those that other nodes have to do with.
  RemoteObjects& remote() { return *remote_; }

  // Peers that something waits for.
  size_t delivering() const { return delivering_.size(); }

 private:
  // Calls `put`, which gives the object its value. What its home waits for is told to that.
  template <typename Put>
  Status Store(const ObjectId& id, Put put);
  // The peer refers to these. What of it are items and credits of streams that have to do with
  // another node, is their home's: whoever asks for it from then on asks there.
  void NameOfStreams(const Peer& peer, std::span<const ObjectId> ids);
  void OnSealed(const ObjectId& id);
  void OnDeleted(const ObjectId& id);
  void OnDeliver(const plasma::DeliverObject& deliver);
  void SendBatch(Peer& peer);

  const Shell shell_;
  plasma::ObjectStore* const store_;
  TaskBook* const tasks_;
  ActorBook* const actors_;
  FunctionBook* const functions_;
  RemoteObjects* const remote_;
  // Peers with deliveries or a fence, each once. One that has gone may be among them.
  std::vector<ClientId> delivering_;
  // Of the message that is being sent. A member so that it keeps its memory.
  std::vector<ObjectView> batch_;
};

}  // namespace rayx::node
