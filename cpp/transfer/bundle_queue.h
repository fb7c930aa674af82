// What is to be pulled, in bundles: all that one task, or one `get`, needs of other nodes. Half of
// a bundle is of no use to anybody, so that two which do not fit beside each other come one after
// the other, and what one has got already is in nobody's way.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
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
  void SetIsHere(const ObjectId& id, bool is_here) {
    SetState(id, is_here ? State::kHere : State::kLacking);
  }
  // It is not to be had, of which the bundles will be told.
  void OnLost(const ObjectId& id) { SetState(id, State::kLost); }
  // The size was another one.
  void Resize(const ObjectId& id, uint64_t size_bytes);

  // Whether a bundle wants it, and lacks it.
  bool IsLacking(const ObjectId& id) const;
  bool empty() const { return bundles_.empty(); }

  struct Admitted {
    // In the order of their bundles, each once.
    std::vector<Wanted> lacking;
    // How many of them the first bundle lacks that lacks something.
    size_t of_first = 0;
    // All that the bundles want up to that one, and all that the admitted ones want.
    std::set<ObjectId> held_of_first;
    std::set<ObjectId> held;
  };
  // The bundles that may be here at the same time: in order, as long as all that they want fits
  // into `bytes`; and the first that lacks something whatever it takes. None goes before one that
  // does not fit, which would wait for ever.
  Admitted Admit(uint64_t bytes) const;

 private:
  enum class State { kLacking, kHere, kLost };
  using Key = std::pair<Rank, BundleId>;
  struct Input {
    uint64_t size_bytes = 0;
    State state = State::kLacking;
    // Who wants it.
    std::set<Key> bundles;
  };

  void SetState(const ObjectId& id, State state);

  // What each wants, in the order in which it was told.
  std::map<Key, std::vector<ObjectId>> bundles_;
  std::unordered_map<BundleId, Key> keys_;
  std::unordered_map<ObjectId, Input> inputs_;
};

}  // namespace rayx::transfer
