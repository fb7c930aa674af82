// Offers that wait for a node, in the order in which they are placed.
//
// Offers of one home with the same demand form a *lane*: the highest priority first, then in order
// of arrival. Lanes of all homes merge by the arrival of their first; whose turn it is gives the
// most urgent of what it has. A demand for which no node has room is *blocked*: what waits behind
// it with another demand goes on, until room for it appears.
//
// All steps grow with the logarithm of the number of lanes, and not with what waits in them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "placement/demand_table.h"
#include "placement/offer.h"

namespace rayx::placement {

struct Lane;
struct Member;

// An offer, from when it is heard until it is withdrawn. It waits, or is placed.
struct OpenOffer {
  // First what the end of a task touches, which lies in few lines of the cache.
  // It waits there ...
  Lane* lane = nullptr;
  // ... or is placed there.
  Member* member = nullptr;
  Demand* demand = nullptr;
  // Of its OfferList.
  OpenOffer* previous = nullptr;
  OpenOffer* next = nullptr;
  OfferName name;
  int32_t priority = 0;
  SessionNumber home = kAllSessions;
  // From 1; one that was placed and is offered again keeps its own.
  uint64_t arrival = 0;
  std::vector<OfferInput> inputs;
  // The home knows that no node could run it.
  bool told = false;
};

// A list that its members know their places in.
class OfferList {
 public:
  OpenOffer* front() const { return first_; }
  OpenOffer* back() const { return last_; }
  bool empty() const { return first_ == nullptr; }
  // In front of `behind`; null: at the end. REQUIRES: the offer is in no list.
  void Insert(OpenOffer* offer, OpenOffer* behind = nullptr);
  // REQUIRES: the offer is in this list.
  void Remove(OpenOffer* offer);

 private:
  OpenOffer* first_ = nullptr;
  OpenOffer* last_ = nullptr;
};

class WaitingOffers {
 public:
  WaitingOffers();
  ~WaitingOffers();
  WaitingOffers(const WaitingOffers&) = delete;
  WaitingOffers& operator=(const WaitingOffers&) = delete;

  // The offer is at its place from now on. It must stay where it is in memory.
  void Add(OpenOffer* offer);
  // REQUIRES: it waits.
  void Remove(OpenOffer* offer);

  // Who is next, of demands that are not blocked; null: nobody.
  OpenOffer* Next() const;
  // No node has room for the demand: Next passes it over until it is unblocked. `now_placed` counts
  // all that were ever placed. REQUIRES: an offer with it waits.
  void Block(Demand* demand, uint64_t now_placed);
  void Unblock(Demand* demand);

  struct Blocked {
    Demand* demand = nullptr;
    uint64_t since_placed = 0;
    // The ClusterView::version() at which it was found out whether any node could run it; 0: never.
    uint64_t judged_version = 0;
    bool feasible = true;
    // Offers have come since UntoldOf was asked, and some of them not behind all others.
    bool has_new = true;
    bool has_returned = true;
  };
  // By number of the demand. Only with offers that wait.
  std::map<uint32_t, Blocked>& blocked() { return blocked_; }
  const std::map<uint32_t, Blocked>& blocked() const { return blocked_; }

  // The first one with that demand. REQUIRES: one waits.
  OpenOffer* FirstOf(const Demand& demand) const;
  // Those with that demand of which the home was not told that no node could run them, by home. The
  // caller tells all of them. REQUIRES: the demand is blocked.
  std::vector<std::vector<OpenOffer*>> UntoldOf(const Demand& demand);
  size_t size() const { return size_; }

 private:
  struct Home {
    std::vector<std::unique_ptr<Lane>> lanes;
  };
  struct Queue {
    Demand* demand = nullptr;
    // By the arrival of their first.
    std::map<uint64_t, Lane*> lanes;
    // Its place in ready_; 0: none.
    uint64_t key = 0;
  };
  friend struct Lane;

  Lane* LaneOf(const OpenOffer& offer);
  void Forget(Lane* lane);
  void Rekey(Lane* lane);
  void Rekey(Queue* queue);

  size_t size_ = 0;
  std::unordered_map<SessionNumber, Home> homes_;
  // By number of the demand.
  std::unordered_map<uint32_t, Queue> queues_;
  // Queues that are not blocked, by the arrival of their first.
  std::map<uint64_t, Queue*> ready_;
  std::map<uint32_t, Blocked> blocked_;
};

}  // namespace rayx::placement
