// In which order objects leave the pool when it is full: least recently used first.
//
// Only objects that may leave are in the order: sealed, in the pool, without pins. The store tells
// of use and of release; the order answers with candidates and changes nothing by answering. What
// happens to a candidate (it is spilled, or dropped and made again on demand) is decided elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"

namespace rayx::plasma {

class EvictionOrder {
 public:
  // The object may leave from now on; it counts as used just now. REQUIRES: it is not in the order.
  void Add(const ObjectId& id, uint64_t size_bytes);
  // The object may not leave (it is pinned), or has left. REQUIRES: it is in the order.
  void Remove(const ObjectId& id);
  // Somebody looked at the object. REQUIRES: it is in the order.
  void Use(const ObjectId& id);

  // The objects that have been unused for longest, in order, as few as make up `size_bytes`; all
  // there are if they do not. Empty for 0.
  std::vector<ObjectId> Candidates(uint64_t size_bytes) const;

  bool Contains(const ObjectId& id) const { return places_.count(id) != 0; }
  size_t size() const { return places_.size(); }

 private:
  struct Candidate {
    ObjectId id;
    uint64_t size_bytes = 0;
  };
  using Order = std::list<Candidate>;

  // Least recently used first.
  Order order_;
  std::unordered_map<ObjectId, Order::iterator> places_;
};

}  // namespace rayx::plasma
