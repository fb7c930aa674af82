// What other nodes are to be told of shared objects. The homes: to which ids this node refers since
// the last time, and to which not any more. First and last references of one id that meet here
// cancel each other: so what is only glanced at costs no message.
#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "common/base/ids.h"

namespace rayx::plasma {

// What a node keeps for this one, the home, which does not need it any more.
struct UnneededCopy {
  ObjectId id;
  NodeId node;
};

class ReferenceNews {
 public:
  struct News {
    std::vector<ObjectId> added;
    std::vector<ObjectId> removed;
    bool empty() const { return added.empty() && removed.empty(); }
  };

  // The node refers to the id now, or does not any more. REQUIRES: they take turns, for each id.
  void Add(ClientId home, const ObjectId& id) { Note(home, id, true); }
  void Remove(ClientId home, const ObjectId& id) { Note(home, id, false); }
  // All that is to be told to this home, each id once.
  News Take(ClientId home);
  // The same without taking it away.
  News Of(ClientId home) const;
  // Homes with something to be told that takes a reference away. What only adds can wait until
  // something else is said to the home, and may be taken back until then.
  std::vector<ClientId> Pressing() const;
  void Forget(ClientId home) { of_homes_.erase(home); }
  bool empty() const { return of_homes_.empty(); }

  void AddUnneeded(const ObjectId& id, const NodeId& node) { unneeded_.push_back({id, node}); }
  // Those since the last call.
  std::vector<UnneededCopy> TakeUnneeded() { return std::exchange(unneeded_, {}); }

 private:
  void Note(ClientId home, const ObjectId& id, bool is_added);

  std::map<ClientId, std::map<ObjectId, bool>> of_homes_;
  std::vector<UnneededCopy> unneeded_;
};

}  // namespace rayx::plasma
