// Storing, waiting for and getting objects, and counting the ObjectIDs of this process.
//
// Any thread may call it. `in_task`: this thread runs the worker's task, so the node is told while
// it sleeps (Blocked, Unblocked).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "client/link/node_link.h"
#include "client/link/reference_queue.h"
#include "client/link/reply_box.h"
#include "client/memory/pool_reader.h"
#include "client/memory/pool_writer.h"
#include "client/objects/cpu_loan.h"
#include "client/objects/object_cache.h"
#include "client/values/looker.h"
#include "client/values/object_pieces.h"
#include "client/values/object_view.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/protocol/object_layout.h"
#include "common/shm/reservation_words.h"
#include "common/shm/shared_memory.h"

namespace rayx {

class ObjectAccess {
 public:
  // `link` must outlive it.
  ObjectAccess(NodeLink* link, std::shared_ptr<ReferenceQueue> references, PoolReader pool);

  // kHeld: with what is sent next (NodeLink::Hold), for an object that no process waits for yet.
  enum class Sending { kAtOnce, kHeld };

  // Stores a value under `id`, which gets one local reference. AlreadyExists, StoreFull.
  Status Put(const ObjectId& id, const ObjectPieces& value);
  // The same for a value whose place is planned, whatever its size: in a message, or in the pool.
  Status PutSmall(const ObjectId& id, const ObjectPlan& plan, const ObjectPieces& value,
                  Sending sending);
  // Without `keep_reference`, the value lives only if another process refers to it. May be held
  // only if this thread sends more at once: the node reserves no more for us before it hears of it.
  Status PutLarge(const ObjectId& id, const ObjectPlan& plan, const ObjectPieces& value,
                  Sending sending, bool keep_reference = true);

  // These two do what Client says.
  Result<std::vector<ObjectView>> Get(std::span<const ObjectId> ids, int64_t timeout_ms,
                                      bool in_task, Looker* looker = nullptr);
  Result<std::vector<bool>> Wait(std::span<const ObjectId> ids, size_t count, int64_t timeout_ms,
                                 bool in_task, Looker* looker = nullptr);

  // Adds references to the results of a task. To be called before it is sent: its answer may come
  // at once. `actor`: the object of the actor that the task makes or calls, if there is one. An
  // actor keeps a worker, so the node hears at once when this object is dropped.
  void AddResults(std::span<const ObjectId> ids, const ObjectId* actor = nullptr);
  void AddReference(const ObjectId& id);
  void RemoveReference(const ObjectId& id);
  void RemoveReferences(std::span<const ObjectId> ids);
  // Whether this process needs the object, or has an ObjectID of it.
  bool HasReference(const ObjectId& id) const;

  // --- for parts that wait on their own ---

  // Asks the node to deliver these objects. If `fence` is not 0, the node answers with it when it
  // has sent what is there. REQUIRES: the state lock is not held.
  Status AskFor(std::span<const ObjectId> ids, bool pin, uint64_t fence = 0);
  // Waits, and tells the node of it if a task does. Returns Forked, without the lock, in a child
  // that `looking` has forked.
  Status Sleep(NodeLink::Lock* lock, const Deadline& deadline, bool in_task, const Looking& looking,
               const std::function<bool()>& ready);

  // The rest REQUIRES that the link's state lock is held.

  void AddReferenceLocked(const ObjectId& id);
  // True if the node should be told soon (ReferenceQueue::Nudge, without the lock).
  bool RemoveReferenceLocked(const ObjectId& id) { return Tell(id, cache_.RemoveReference(id)); }
  bool IsAvailable(const ObjectId& id) const { return cache_.IsAvailable(id); }
  // Whether this process needs it, or has an ObjectID of it.
  bool IsKnown(const ObjectId& id) const { return cache_.Contains(id); }
  // A result has come otherwise than from the node.
  void OnInlineResult(const ObjectId& id, std::span<const uint8_t> bytes) {
    cache_.OnInline(id, bytes);
  }
  // These do what ObjectCache says. REQUIRES: there is a reference.
  bool StartWatch(const ObjectId& id, ObjectCache::Watch* watch) {
    return cache_.StartWatch(id, watch);
  }
  void EndWatch(const ObjectId& id, ObjectCache::Watch* watch) {
    (void)Tell(id, cache_.EndWatch(id, watch));
  }

  // --- messages, under the link's state lock ---

  Status OnObjectsReady(std::span<const uint8_t> payload);
  Status OnObjectCreated(FrameStream* stream, std::span<const uint8_t> payload);

  const PoolReader& pool() const { return pool_; }
  // The waits of the worker's task.
  CpuLoan& loan() { return loan_; }

  // The session ends: the pool's descriptor is closed. Its mappings stay while there are views.
  void Close();

 private:
  // How far a Get has come.
  struct Collection {
    std::span<const ObjectId> ids;
    std::vector<ObjectView> views;
    size_t next = 0;  // the first that is not here yet
  };

  // A reservation of that size, if the node has made us one.
  std::optional<ReservationWords::Reservation> TakeReservation(uint64_t size_bytes);
  Status PutReserved(const ObjectId& id, const ObjectPlan& plan, const ObjectPieces& value,
                     uint64_t offset, Sending sending, bool keep_reference);
  template <typename Message>
  Status SendOrHold(flatbuffers::FlatBufferBuilder* builder, protocol::MessageType type,
                    flatbuffers::Offset<Message> message, Sending sending);
  // Writable memory in the pool for an object that is to be sealed.
  Result<uint8_t*> Create(const ObjectId& id, uint64_t size_bytes);
  Status Abort(const ObjectId& id);
  // Takes the descriptors that came with an ObjectCreated. IoError if this process had no room for
  // them.
  Status TakeMemory(FrameStream* stream, bool has_pool, bool has_reservations);
  // Takes what is here, from `next` on.
  bool Advance(Collection* collection);
  Status Collect(NodeLink::Lock* lock, Collection* collection, const Deadline& deadline,
                 bool in_task, const Looking& looking);
  // As AskFor, and waits until the node has sent what is there already, which a call with a timeout
  // of 0 has to find. Lets go of the lock meanwhile.
  Status AskForNow(NodeLink::Lock* lock, std::span<const ObjectId> ids, bool pin);
  Status AskToPin(NodeLink::Lock* lock);
  std::string MissingText(std::span<const ObjectId> ids) const;
  // Queues what the node is to be told; true if it is to be told at once.
  bool Tell(const ObjectId& id, ObjectCache::Farewell farewell);

  NodeLink* const link_;
  CpuLoan loan_;
  const std::shared_ptr<ReferenceQueue> references_;
  const PoolReader pool_;
  std::atomic<uint64_t> next_request_{1};

  // The link's state lock protects all below.
  ObjectCache cache_;
  ReplyBox<uint64_t> created_;
  uint64_t fence_passed_ = 0;
  // Mapped when the first object is created, and the same from then on. So a thread that has
  // created an object, or taken a reservation, writes to it without the lock: under the lock it has
  // seen the pool mapped.
  PoolWriter writable_pool_;
  // Set from the node's first offer on.
  std::optional<ReservationWords> reservations_;
  // Why a descriptor of these that the node has sent was lost; then the node is asked to send them
  // again.
  Status memory_lost_;
};

}  // namespace rayx
