// Storing, waiting for and getting objects, and counting the ObjectIDs of this process.
//
// Any thread. `in_task`: this thread runs the worker's task, so the node is told while it sleeps
// (Blocked, Unblocked).
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

  // kHeld: with what is sent next (NodeLink::Hold), for what nobody waits for yet.
  enum class Sending { kAtOnce, kHeld };

  // Stores a value under `id`, which gets one local reference. AlreadyExists, StoreFull.
  Status Put(const ObjectId& id, const ObjectPieces& value);
  // The same for a value whose place is planned, whatever its size: in a message, or in the pool.
  Status PutSmall(const ObjectId& id, const ObjectPlan& plan, const ObjectPieces& value,
                  Sending sending);
  // Without `keep_reference`, the value lives only if somebody else refers to it. May be held only
  // if this thread sends more at once: the node reserves no more for us before it knows.
  Status PutLarge(const ObjectId& id, const ObjectPlan& plan, const ObjectPieces& value,
                  Sending sending, bool keep_reference = true);

  // As Client says.
  Result<std::vector<ObjectView>> Get(std::span<const ObjectId> ids, int64_t timeout_ms,
                                      bool in_task, Looker* looker = nullptr);
  Result<std::vector<bool>> Wait(std::span<const ObjectId> ids, size_t count, int64_t timeout_ms,
                                 bool in_task, Looker* looker = nullptr);

  // Before the task is sent: its answer may come at once.
  // `actor`: what stands for the actor that the task makes or calls, if it does; a process hangs on
  // to it as an actor does to a worker, so that the node hears at once when it is dropped.
  void AddResults(std::span<const ObjectId> ids, const ObjectId* actor = nullptr);
  void AddReference(const ObjectId& id);
  void RemoveReference(const ObjectId& id);
  void RemoveReferences(std::span<const ObjectId> ids);
  // Somebody in this process needs the object, or has an ObjectID of it.
  bool HasReference(const ObjectId& id) const;

  // --- for those who wait on their own ---

  // Asks the node to deliver these. REQUIRES: the state lock is not held. Not 0: the node answers
  // with `fence` when it has sent what is there.
  Status AskFor(std::span<const ObjectId> ids, bool pin, uint64_t fence = 0);
  // A wait and who looks meanwhile, from its begin on (MonotonicMs).
  struct Looking {
    Looker* looker = nullptr;
    int64_t begin_ms = 0;
  };
  // Waits, telling the node of it if a task does. Forked: `looking` has made this process a fork of
  // the one that waits, and the lock is not held.
  Status Sleep(NodeLink::Lock* lock, const Deadline& deadline, bool in_task, const Looking& looking,
               const std::function<bool()>& ready);

  // The rest: under the link's state lock.

  void AddReferenceLocked(const ObjectId& id);
  // True if the node should be told soon (ReferenceQueue::Nudge, without the lock).
  bool RemoveReferenceLocked(const ObjectId& id) { return Tell(id, cache_.RemoveReference(id)); }
  bool IsAvailable(const ObjectId& id) const { return cache_.IsAvailable(id); }
  // Somebody here needs it, or has an ObjectID of it.
  bool IsKnown(const ObjectId& id) const { return cache_.Contains(id); }
  // A result has come otherwise than from the node.
  void OnInlineResult(const ObjectId& id, std::span<const uint8_t> bytes) {
    cache_.OnInline(id, bytes);
  }
  // As ObjectCache says. REQUIRES: there is a reference.
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
  // Where a Get is.
  struct Collection {
    std::span<const ObjectId> ids;
    std::vector<ObjectView> views;
    size_t next = 0;  // the first that is not here yet
  };

  // What the node has reserved for us, if that is something of that size.
  std::optional<ReservationWords::Reservation> TakeReservation(uint64_t size_bytes);
  Status PutReserved(const ObjectId& id, const ObjectPlan& plan, const ObjectPieces& value,
                     uint64_t offset, Sending sending, bool keep_reference);
  template <typename Message>
  Status SendOrHold(flatbuffers::FlatBufferBuilder* builder, protocol::MessageType type,
                    flatbuffers::Offset<Message> message, Sending sending);
  // Writable room in the pool for an object that is to be sealed.
  Result<uint8_t*> Create(const ObjectId& id, uint64_t size_bytes);
  Status Abort(const ObjectId& id);
  // What came with an ObjectCreated. IoError if this process has no room for it.
  Status TakeMemory(FrameStream* stream, bool has_pool, bool has_reservations);
  // Takes what is here, from `next` on.
  bool Advance(Collection* collection);
  Status Collect(NodeLink::Lock* lock, Collection* collection, const Deadline& deadline,
                 bool in_task, const Looking& looking);
  // Of Sleep: until `ready`, the deadline, or somebody who looks ends it.
  Status SleepOn(NodeLink::Lock* lock, const Deadline& deadline, const Looking& looking,
                 const std::function<bool()>& ready);
  // As AskFor, and waits for what is there already: who has no time to wait wants to know that.
  // Lets go of the lock meanwhile.
  Status AskForNow(NodeLink::Lock* lock, std::span<const ObjectId> ids, bool pin);
  Status AskToPin(NodeLink::Lock* lock);
  std::string MissingText(std::span<const ObjectId> ids) const;
  // Queues what the node is to be told; true if at once.
  bool Tell(const ObjectId& id, ObjectCache::Farewell farewell);

  NodeLink* const link_;
  CpuLoan loan_;
  const std::shared_ptr<ReferenceQueue> references_;
  const PoolReader pool_;
  std::atomic<uint64_t> next_request_{1};

  // Below: protected by the link's state lock.
  ObjectCache cache_;
  ReplyBox<uint64_t> created_;
  uint64_t fence_passed_ = 0;
  // Mapped when the first object is created, and the same from then on: who has created one needs
  // no lock to write it.
  PoolWriter writable_pool_;
  // From the node's first offer on.
  std::optional<ReservationWords> reservations_;
  // Why one of them has not come that the node has sent; it is asked to send them again.
  Status memory_lost_;
};

}  // namespace rayx
