// The object store of a node: which objects there are, where they lie, who needs them.
//
// A core: no socket, no clock, no memory mapping. It decides offsets inside a pool that somebody
// else maps, and keeps small objects on its own heap. Events come in as calls; what should follow
// is appended to the outbox (effects.h) and carried out by the daemon after the call has returned.
//
// States of an object (README.md has the picture):
//   Expected → Created → Sealed → gone
//        \________________↗ (small objects are put whole)
// Expected: somebody holds a reference or waits, but there is no value yet.
//
// An object stays as long as anyone refers to it: clients (a set: one reference per client, however
// many ObjectIDs it has), and counted anonymous references of tasks and of objects that contain its
// id. The value of a sealed object without references goes when the last pin goes. The first sealed
// value of an id wins.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "plasma/arena.h"
#include "plasma/effects.h"
#include "plasma/eviction.h"
#include "plasma/holder_table.h"
#include "plasma/object_entry.h"
#include "plasma/reference_news.h"
#include "plasma/reserved_extents.h"
#include "plasma/store_report.h"

namespace rayx::plasma {

// Where the value of a sealed object is. Views are valid until the next event.
struct ObjectLocation {
  // Set for a small object; the bytes live on the store's heap.
  bool is_inline = false;
  std::span<const uint8_t> data;
  // Otherwise: bytes from the start of the pool.
  uint64_t offset = 0;
  uint64_t size = 0;
  // The value, of that size, is in the pools of other nodes, and not in this one.
  bool is_elsewhere = false;
};

class ObjectStore {
 public:
  // REQUIRES: pool_bytes is a multiple of limits::kObjectAlignment.
  explicit ObjectStore(uint64_t pool_bytes);
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;

  // --- making objects. `creator` gets a reference with each. ---

  // Reserves room in the pool; returns the offset. StoreFull (at once, with sizes and the largest
  // holders) if there is none; AlreadyExists if the id has a value or another creator is at work;
  // InvalidArgument for size 0.
  Result<uint64_t> Create(ClientId creator, const ObjectId& id, uint64_t size);
  // Ends what Create began. NotFound if `creator` did not create it; AlreadyExists (and the room is
  // given back) if the object got a value from PutInline meanwhile. A value that nobody refers to
  // any more is dropped at once, without effects. `contained` are ids inside the value: they get a
  // reference for as long as this object has its value.
  Status Seal(ClientId creator, const ObjectId& id, std::span<const ObjectId> contained);
  // Gives the room back. NotFound if `creator` did not create it. Takes back the reference that
  // Create gave; one that the client held before, or got otherwise meanwhile, stays.
  Status Abort(ClientId creator, const ObjectId& id);
  // A small object, whole. `creator` kNoClient: made by the node itself (no reference is taken).
  // AlreadyExists if it has a value; the new one is dropped. An object that a client is still
  // writing gets this value, and the client learns of it from Seal. A value that nobody refers to
  // or waits for is dropped at once.
  Status PutInline(ClientId creator, const ObjectId& id, std::span<const uint8_t> data,
                   std::span<const ObjectId> contained);

  // --- reservations: memory for objects that come later, without Create ---

  // Keeps room for an object of `client`; returns the offset. Nothing if there is none.
  std::optional<uint64_t> Reserve(ClientId client, uint64_t size);
  // The room is free again. NotFound if the client has none there. REQUIRES: the client does not
  // write there.
  Status GiveBack(ClientId client, uint64_t offset);
  // `creator` has written an object into a reservation of its own, which ends with it
  // after this call, whatever the answer. Without `keep_reference` the creator gets none. NotFound
  // if it has no reservation there, InvalidArgument if the value is empty or larger than that.
  // AlreadyExists, objects that others are writing, and values that nobody wants: as PutInline.
  Status PutReserved(ClientId creator, const ObjectId& id, Extent value,
                     std::span<const ObjectId> contained, bool keep_reference);

  // --- who needs what ---

  void AddClientReference(ClientId client, const ObjectId& id);
  // NotFound if the client holds none. A client that drops its reference no longer waits for the
  // object.
  Status RemoveClientReference(ClientId client, const ObjectId& id);
  // Counted references of tasks. RemoveReference REQUIRES a matching AddReference.
  void AddReference(const ObjectId& id);
  void RemoveReference(const ObjectId& id);

  // Deliver the object to `client` once, now or when it is sealed (effect DeliverObject). Implies a
  // client reference. Asking again before delivery changes nothing, except that a wish to pin is
  // remembered.
  void Get(ClientId client, const ObjectId& id, bool pin);
  // A deferred delivery: somebody else is about to give the client the value, and will say how that
  // went. Until then the client waits as after Get without a pin, so nothing is lost if nobody ever
  // says anything. The client's reference is the same in all states.
  //
  //            Defer              Settle(kDelivered)             Settle(kLost)
  //   nothing ───────▶ deferred ────────────────────▶ served ───────────────────▶ delivered by us
  //                     │    │                                                       ▲
  //                     │    └─ Settle(kLost), or Get: the client asks itself ─▶ waiting
  //                     └─ the object is sealed before anybody has settled it ───────┘
  //
  // Of a sealed object Defer delivers at once. A client that has asked itself is delivered to,
  // whatever Settle says: it would not have asked if it had the value.
  void Defer(ClientId client, const ObjectId& id);
  // kLost may follow kDelivered, when it turns out that the value did not arrive; then, if the
  // client still refers to the object and that has a value, it is delivered now.
  void Settle(ClientId client, const ObjectId& id, Settlement how);
  // Counts a pin of `client` on a sealed pool object and returns its place; for inline objects no
  // pin is needed or counted. NotFound if the object has no value.
  Result<ObjectLocation> Pin(ClientId client, const ObjectId& id);
  // NotFound if the client holds no pin.
  Status Unpin(ClientId client, const ObjectId& id);

  // Everything of a client goes: references, pins, waits, unsealed creations, reservations.
  void OnClientGone(ClientId client);

  // --- questions ---

  bool IsSealed(const ObjectId& id) const;
  // Somebody refers to it or waits, but it has no value yet (it may be in the making).
  bool IsExpected(const ObjectId& id) const;
  // Nothing if there is no value.
  std::optional<ObjectLocation> Find(const ObjectId& id) const;
  // Only these clients refer to it or pin it.
  bool IsHeldOnlyBy(const ObjectId& id, std::span<const ClientId> clients) const;
  // The ids inside the value; none if there is no value.
  std::vector<ObjectId> ContainedIn(const ObjectId& id) const;
  StoreStats Stats() const;
  // All objects and functions, in no order.
  std::vector<ObjectSummary> Summaries() const;

  // Objects that could leave the pool, least recently used first, as few as make up `size_bytes`.
  std::vector<ObjectId> EvictionCandidates(uint64_t size_bytes) const {
    return eviction_.Candidates(size_bytes);
  }

  // The effects since the last call, in order.
  std::vector<Effect> TakeEffects();

  // CHECKs every cross reference: allocations do not overlap and add up, each reference and pin has
  // its counterpart, no entry is without reason. For tests and debug builds.
  void SanityCheck() const;

 private:
  // What there is to do with objects of which other nodes know, on the same entries.
  friend class SharedObjects;
  friend class KeptObjects;

  // Nodes of the table stay where they are while it grows, so references to an Object hold until it
  // is erased.
  using ObjectTable = std::unordered_map<ObjectId, ObjectEntry>;
  using Object = ObjectTable::value_type;

  // Room that a client still writes to although its object got a value from elsewhere. It cannot be
  // handed out again before the client has said that it is done.
  struct SupersededCreation {
    ClientId creator = kNoClient;
    ObjectId id;
    Extent extent;
  };

  Object* FindObject(const ObjectId& id);
  const Object* FindObject(const ObjectId& id) const;
  // Makes an entry that expects a value if there is none.
  Object& FindOrExpect(const ObjectId& id);

  void AddReferenceOf(ClientId client, Object& object, bool by_create);
  void RemoveReferenceOf(ClientId client, Object& object, Holder& holder);
  // The same, with what follows: the holder and the object may be gone.
  void DropReferenceOf(ClientId client, Object& object, Holder& holder);
  void AddPin(ClientId client, Object& object);
  // Takes `count` of the holder's pins.
  void RemovePins(Object& object, Holder& holder, uint64_t count);
  void Deliver(ClientId client, Object& object, bool pin);

  // The references of the object have changed: its home may have to know.
  void NoteReferences(Object& object) {
    if (object.second.sharing != nullptr) [[unlikely]]
      NoteSharedReferences(object);
  }
  void NoteSharedReferences(Object& object);
  // A copy is being made, and only who makes it refers to it, beside its home.
  bool IsCopyUnneeded(const ObjectEntry& entry) const;
  // Somebody waits for a value that is not here.
  void NoteWanted(Object& object, bool here);
  // Of an object that is ending: other nodes need not have anything of it for this one any more.
  void EndSharing(Object& object);
  // It has a value here now. The object may be gone afterwards.
  void OnSharedSealed(Object& object);

  // The only way to a value: announces it, counts what it contains, serves who waits.
  void SealWith(Object& object, SealedObject value, std::span<const ObjectId> contained);
  // Where a whole value goes that no Create has announced; null if nobody wants it. Who writes to
  // the object is overtaken. AlreadyExists if it has a value.
  Result<Object*> ObjectToPut(ClientId creator, const ObjectId& id, bool keep_reference);
  // The creator writes no more, or has lost its claim to be the one who does.
  CreatedObject EndCreation(Object& object);
  // Gives the room back, and the reference that came with Create.
  void AbortCreation(Object& object);
  bool IsSuperseded(ClientId creator, const ObjectId& id) const;
  // The creator of an overtaken creation is done: its memory is free. False if there is no such
  // creation.
  bool EndSuperseded(ClientId creator, const ObjectId& id, bool keep_reference);

  static Status NotReservedFor(ClientId client, uint64_t offset);
  void GiveBackAllOf(ClientId client);

  // Ends the object if there is no reason left to keep it, and then whatever only its value kept.
  void DropIfUnneeded(Object& object);
  // Ends the objects in doomed_.
  void EndDoomed();
  // Frees the value and appends to doomed_ what it was the last to refer to.
  void ReleaseValue(const Object& object, const SealedObject& value);
  void ReleaseContained(std::span<const ObjectId> contained);

  ObjectLocation LocationOf(const SealedObject& value) const;
  ObjectSummary Summarize(const Object& object) const;

  void CheckHolders(const Object& object) const;
  void CheckSharing(const Object& object) const;
  void CheckContained() const;
  void CheckSums() const;

  Arena arena_;
  ReservedExtents reserved_;
  ObjectTable objects_;
  HolderTable holders_;
  EvictionOrder eviction_;
  // Almost always empty.
  std::vector<SupersededCreation> superseded_;
  std::vector<Effect> effects_;
  ReferenceNews news_;
  // Objects to be ended; empty between events. A member so that it keeps its memory.
  std::vector<Object*> doomed_;

  uint64_t sealed_objects_ = 0;
  uint64_t inline_bytes_ = 0;
  uint64_t pinned_bytes_ = 0;
};

}  // namespace rayx::plasma
