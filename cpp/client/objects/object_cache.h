// What this process knows of the objects it has ids of: whether they are available, their bytes if
// it has them, and how many ObjectIDs it holds.
//
//                       OnInline, PutOwn
//   unknown ──ask──▶ asked ─────────────▶ held ──(not kept)──▶ available
//      ▲               │                                          │  ▲
//      │ (last ObjectID│ OnInPool                                 │  │ last view gone
//      │  gone)        └──────────────▶ available ──ask to pin──▶ pinned
//
// The results of our own tasks are asked for from the start: the node pushes them. An entry lives
// as long as an ObjectID, a Get or a Wait needs it. Bytes are kept while the entry lives, up to a
// bound; what is over it is asked for again.
//
// It is not synchronized: the state lock of the NodeLink protects it. It sends nothing, but says
// what is to be asked or told.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/objects/recent_pins.h"
#include "client/values/object_view.h"
#include "common/base/ids.h"
#include "common/base/slabs.h"

namespace rayx {

class ObjectCache {
 public:
  // A caller's wait for objects.
  struct Watch {
    // Positions of its list whose object has become available since it began to watch.
    size_t arrived = 0;
    // Called for each, if it is set. Must not call the cache.
    std::function<void(const ObjectId&)> on_arrival;
  };

  // What the node is to be told when a holder went.
  enum class Farewell {
    kNone,   // this process still needs the object
    kDrop,   // it does not need it any more
    kUrgent  // ... and it may be large
  };

  explicit ObjectCache(size_t kept_bytes_max) : kept_bytes_max_(kept_bytes_max) {}
  ObjectCache(const ObjectCache&) = delete;
  ObjectCache& operator=(const ObjectCache&) = delete;

  // --- ObjectIDs; each counts one reference ---

  // True if the node does not know of our interest yet and is to be told.
  bool AddReference(const ObjectId& id);
  Farewell RemoveReference(const ObjectId& id);
  // A result of a task that is about to be submitted: the node counts us and will push it.
  void AddResult(const ObjectId& id);
  // When the last ObjectID of an object that this process holds goes, the node is to be told at
  // once, however small the object is: it stands for something larger, or holds that. Nothing
  // happens if none is held.
  void TellAtOnce(const ObjectId& id);
  // An object of ours: small, with its bytes, or sealed in the pool.
  void AddOwn(const ObjectId& id, const ObjectView& bytes);
  void AddSealed(const ObjectId& id);

  // --- what the node delivers ---

  void OnInline(const ObjectId& id, std::span<const uint8_t> bytes);
  void OnInPool(const ObjectId& id);
  // If no call wants the object, the pin in `view` is given back by dropping it.
  void OnPinned(const ObjectId& id, const ObjectView& view);

  // --- Get: Want each position, Take it when it is there, Settle each position ---

  // The bytes are wanted. True if the node must be asked (with a pin).
  bool Want(const ObjectId& id);
  // The bytes, if they are here. If they are known to be in the pool only, they are added to what
  // is to be pinned.
  bool Take(const ObjectId& id, ObjectView* view);
  // The bytes are no longer wanted. With `keep`, those that were not taken stay for a Get that is
  // called again.
  Farewell Settle(const ObjectId& id, bool keep);
  // Wanted objects that have turned out to be available but not here: the node must be asked (with
  // a pin). They are wanted once more, so that none is forgotten before the question is sent;
  // Settle them after it.
  std::vector<ObjectId> TakeToPin();
  bool has_to_pin() const { return !to_pin_.empty(); }

  // --- Wait ---

  bool IsAvailable(const ObjectId& id) const;
  bool Contains(const ObjectId& id) const { return entries_.contains(id); }
  // Counts the arrival of `id` in `watch`, which must live until Unwatch. True if the node must be
  // asked. REQUIRES: not available.
  bool StartWatch(const ObjectId& id, Watch* watch);
  // To be called once for each StartWatch, whether the object has arrived or not.
  Farewell EndWatch(const ObjectId& id, Watch* watch);

  // --- questions ---

  size_t size() const { return entries_.size(); }
  size_t kept_bytes() const { return kept_bytes_; }

 private:
  struct Entry {
    // What keeps `bytes`: memory of our own, or a pin that a Get has not taken yet.
    std::shared_ptr<const void> owner;
    // The pin that views have.
    std::weak_ptr<const void> pin;
    std::span<const uint8_t> bytes;
    uint32_t references = 0;
    uint32_t wanted = 0;
    uint32_t watches = 0;  // those that have not ended
    // A watch that the object has not arrived for. More of them are in more_watches_: as a rule
    // there are none, while a wait for one of a thousand objects watches them all.
    Watch* watch = nullptr;
    bool available = false;
    bool at_once = false;    // see TellAtOnce
    bool small = false;      // its value was or is here, as bytes of our own
    bool asked = false;      // the node will deliver it
    bool pin_asked = false;  // ... with a pin, if it is in the pool
  };
  using Entries = std::unordered_map<ObjectId, Entry, std::hash<ObjectId>, std::equal_to<ObjectId>,
                                     SlabAllocator<std::pair<const ObjectId, Entry>>>;

  void Keep(Entry* entry, const ObjectView& view);
  void Forget(Entry* entry);
  // A pin lives with the views from now on.
  static void Weaken(Entry* entry);
  void BecomeAvailable(const ObjectId& id, Entry* entry);
  Farewell LeaveIfUnused(Entries::iterator found);

  const size_t kept_bytes_max_;
  // Bytes of our own memory in entries.
  size_t kept_bytes_ = 0;
  // The memory of the entries goes back to the system when a million of them have gone.
  static constexpr size_t kWarmBytes = size_t{8} << 20;
  Slabs slabs_{kWarmBytes};
  Entries entries_{SlabAllocator<Entries::value_type>(&slabs_)};
  std::unordered_multimap<ObjectId, Watch*> more_watches_;
  std::vector<ObjectId> to_pin_;
  RecentPins recent_pins_;
};

}  // namespace rayx
