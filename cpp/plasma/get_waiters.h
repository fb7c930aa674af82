// Who waits for one object that has no value yet, in order of asking.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "common/base/ids.h"

namespace rayx::plasma {

// How a deferred delivery has ended (object_store.h).
enum class Settlement : uint8_t { kDelivered, kLost };

class GetWaiters {
 public:
  struct Waiter {
    ClientId client = kNoClient;
    bool pin = false;
    // Somebody else is about to give it the value (object_store.h, Defer).
    bool is_deferred = false;
  };

  // A client that waits already keeps its place; its wish to pin is remembered.
  void Add(ClientId client, bool pin);
  // The same for one that somebody else is about to serve, unless it waits already.
  void Defer(ClientId client);
  // Ends that: one that has been served waits no longer, for others it goes on. Nothing happens if
  // the client has asked itself, which it would not have done if that were enough for it.
  void Settle(ClientId client, Settlement how);
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
