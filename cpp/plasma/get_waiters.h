// Who waits for one object that has no value yet, in order of asking.
#pragma once

#include <utility>
#include <vector>

#include "common/base/ids.h"

namespace rayx::plasma {

class GetWaiters {
 public:
  struct Waiter {
    ClientId client;
    bool pin = false;
    // Somebody else may give it the value; then it waits no longer.
    bool unless_told = false;
  };

  // A client that waits already keeps its place; its wish to pin is remembered.
  void Add(ClientId client, bool pin);
  // The same for one that may be told by somebody else, and has not asked itself.
  void AddUnlessTold(ClientId client);
  // Somebody else tells the client. Nothing happens if it has asked itself, which it would not have
  // done if that were enough for it.
  void OnTold(ClientId client);
  // False if the client does not wait.
  bool Remove(ClientId client);
  bool Contains(ClientId client) const;

  bool empty() const { return waiters_.empty(); }
  const std::vector<Waiter>& waiters() const { return waiters_; }
  // All of them, in order of asking; none is left.
  std::vector<Waiter> Take() { return std::exchange(waiters_, {}); }

 private:
  // An object has few waiters at a time: nearly always one, at most one a worker.
  std::vector<Waiter> waiters_;
};

}  // namespace rayx::plasma
