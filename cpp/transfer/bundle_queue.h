// What is to be pulled, in bundles: all that one task, or one `get`, needs of other nodes. Half of
// a bundle is of no use to anybody, so that two which do not fit beside each other come one after
// the other, and what one has got already is in nobody's way.
//
//   of an input:   due ──OnComing──▶ coming ──SetIsHere──▶ here
//                   ▲ ◀──OnAbandoned───┘ │                  │
//                   └────────────────────│───SetIsHere──────┘  evicted
//                                        └──OnLost──▶ lost, until somebody wants it anew
//
// Bundles are *admitted* in their order: all up to the first that lacks something, and behind that
// one as long as all that they want fits. Each event costs as much as it changes, not as much as
// there is: a node may want a hundred thousand values.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/ids.h"

namespace rayx::transfer {

// Of one node; never used again.
using BundleId = uint64_t;

// Smaller ones come first.
struct Rank {
  // What a person waits for (`get` of a driver) before what a worker waits for, before tasks.
  uint32_t urgency = 0;
  // In the order of the scheduler.
  uint64_t number = 0;

  friend auto operator<=>(const Rank&, const Rank&) = default;
};

struct Wanted {
  ObjectId id;
  uint64_t size_bytes = 0;
  // A copy of it is here already.
  bool is_here = false;
};

class BundleQueue {
 public:
  // REQUIRES: the bundle is new, and each size is above 0.
  void Add(BundleId bundle, Rank rank, const std::vector<Wanted>& wanted);
  // It has begun, and keeps by itself what it has; or nobody waits for it. Of one that is not
  // known: nothing.
  void Remove(BundleId bundle);
  // A copy is here, or is not any more.
  void SetIsHere(const ObjectId& id, bool is_here);
  // It is not to be had, of which the bundles will be told.
  void OnLost(const ObjectId& id) { SetState(id, State::kLost); }
  // The size was another one.
  void Resize(const ObjectId& id, uint64_t size_bytes);
  // It is being pulled, or is not any more.
  void OnComing(const ObjectId& id) { SetState(id, State::kComing); }
  void OnAbandoned(const ObjectId& id);

  // Admits what fits into `bytes`. None goes before one that does not fit, which would wait for
  // ever; the first that lacks something is admitted whatever it takes.
  void Admit(uint64_t bytes);
  struct Due {
    ObjectId id;
    uint64_t size_bytes = 0;
    // Of the first bundle that lacks something.
    bool is_of_first = false;
  };
  // The first input that is admitted and due.
  std::optional<Due> NextDue() const;
  // What was coming, and nobody wants any more, since the last call.
  std::vector<ObjectId> TakeUnwanted() { return std::exchange(unwanted_, {}); }

  // An admitted bundle wants it; or the first that lacks something does, or one before that.
  bool IsHeld(const ObjectId& id) const;
  bool IsOfFirst(const ObjectId& id) const;
  // REQUIRES: somebody wants both. Whether who wants `a` comes before who wants `b`.
  bool IsBefore(const ObjectId& a, const ObjectId& b) const;
  // Somebody wants it, and lacks it.
  bool IsLacking(const ObjectId& id) const;
  bool empty() const { return bundles_.empty(); }

 private:
  enum class State { kDue, kComing, kHere, kLost };
  using Key = std::pair<Rank, BundleId>;
  struct Input {
    uint64_t size_bytes = 0;
    State state = State::kDue;
    // Who wants it, the first of whom counts it.
    std::set<Key> bundles;
  };
  struct Bundle {
    // In the order in which it was told.
    std::vector<ObjectId> wanted;
    // Of those that lack something: due or coming.
    size_t lacking = 0;
  };

  static bool IsLacking(State state) { return state == State::kDue || state == State::kComing; }
  bool IsAdmitted(const Key& key) const { return boundary_ && key <= *boundary_; }
  void SetState(const ObjectId& id, State state);
  void CountLacking(const Key& key, bool more);
  // Takes an input out of, or puts it into, all that is counted by it.
  void Leave(const ObjectId& id, const Input& input);
  void Enter(const ObjectId& id, const Input& input);
  // Bytes that a bundle adds to what the bundles before it want.
  uint64_t BytesOf(const Key& key, const Bundle& bundle) const;

  std::map<Key, Bundle> bundles_;
  std::unordered_map<BundleId, Key> keys_;
  std::unordered_map<ObjectId, Input> inputs_;
  // Bundles that lack something.
  std::set<Key> lacking_;
  // Inputs that are due, by the first bundle that wants them.
  std::set<std::pair<Key, ObjectId>> due_;
  // All up to here are admitted, which want so many bytes.
  std::optional<Key> boundary_;
  uint64_t admitted_bytes_ = 0;
  std::vector<ObjectId> unwanted_;
};

}  // namespace rayx::transfer
