#include "placement/waiting_offers.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "common/base/check.h"

namespace rayx::placement {

// Offers of one home with one demand.
struct Lane {
  WaitingOffers::Home* home = nullptr;
  SessionNumber session = kAllSessions;
  WaitingOffers::Queue* queue = nullptr;
  // By priority; none is empty.
  std::map<int32_t, OfferList, std::greater<>> levels;
  // Its place in queue->lanes; 0: none.
  uint64_t key = 0;

  OpenOffer* front() const { return levels.begin()->second.front(); }
};

namespace {

// Moves a value from one key to another, 0 for none, without new memory.
template <typename Value>
void Move(std::map<uint64_t, Value>* map, uint64_t from, uint64_t to, Value value) {
  if (from == to) return;
  if (from == 0) {
    map->emplace(to, value);
  } else if (to == 0) {
    map->erase(from);
  } else {
    auto node = map->extract(from);
    node.key() = to;
    map->insert(std::move(node));
  }
}

}  // namespace

void OfferList::Insert(OpenOffer* offer, OpenOffer* behind) {
  OpenOffer* const before = behind == nullptr ? last_ : behind->previous;
  offer->previous = before;
  offer->next = behind;
  (before == nullptr ? first_ : before->next) = offer;
  (behind == nullptr ? last_ : behind->previous) = offer;
}

void OfferList::Remove(OpenOffer* offer) {
  (offer->previous == nullptr ? first_ : offer->previous->next) = offer->next;
  (offer->next == nullptr ? last_ : offer->next->previous) = offer->previous;
  offer->previous = nullptr;
  offer->next = nullptr;
}

WaitingOffers::WaitingOffers() = default;
WaitingOffers::~WaitingOffers() = default;

void WaitingOffers::Add(OpenOffer* offer) {
  Lane* const lane = LaneOf(*offer);
  OfferList& level = lane->levels[offer->priority];
  OpenOffer* behind = nullptr;
  if (!level.empty() && offer->arrival < level.back()->arrival) {
    // It was placed before: most of what waits is younger.
    behind = level.front();
    while (behind->arrival < offer->arrival) behind = behind->next;
  }
  level.Insert(offer, behind);
  offer->lane = lane;
  ++size_;
  if (const auto blocked = blocked_.find(offer->demand->number); blocked != blocked_.end()) {
    blocked->second.has_new = true;
    blocked->second.has_returned |= behind != nullptr;
  }
  Rekey(lane);
}

void WaitingOffers::Remove(OpenOffer* offer) {
  Lane* const lane = std::exchange(offer->lane, nullptr);
  RAYX_CHECK(lane != nullptr);
  const auto level = lane->levels.find(offer->priority);
  level->second.Remove(offer);
  --size_;
  if (level->second.empty()) lane->levels.erase(level);
  lane->levels.empty() ? Forget(lane) : Rekey(lane);
}

Lane* WaitingOffers::LaneOf(const OpenOffer& offer) {
  Home& home = homes_[offer.home];
  Queue& queue = queues_[offer.demand->number];
  queue.demand = offer.demand;
  for (const auto& lane : home.lanes) {
    if (lane->queue == &queue) return lane.get();
  }
  Lane* const lane = home.lanes.emplace_back(std::make_unique<Lane>()).get();
  lane->home = &home;
  lane->session = offer.home;
  lane->queue = &queue;
  return lane;
}

void WaitingOffers::Forget(Lane* lane) {
  Queue* const queue = lane->queue;
  Move<Lane*>(&queue->lanes, lane->key, 0, nullptr);
  Home* const home = lane->home;
  const SessionNumber session = lane->session;
  std::erase_if(home->lanes, [lane](const auto& owned) { return owned.get() == lane; });
  if (home->lanes.empty()) homes_.erase(session);
  if (!queue->lanes.empty()) return Rekey(queue);
  Move<Queue*>(&ready_, queue->key, 0, nullptr);
  blocked_.erase(queue->demand->number);
  queues_.erase(queue->demand->number);
}

void WaitingOffers::Rekey(Lane* lane) {
  const uint64_t key = lane->front()->arrival;
  Move(&lane->queue->lanes, lane->key, key, lane);
  lane->key = key;
  Rekey(lane->queue);
}

void WaitingOffers::Rekey(Queue* queue) {
  const bool is_ready = !blocked_.contains(queue->demand->number);
  const uint64_t key = is_ready ? queue->lanes.begin()->first : 0;
  Move(&ready_, queue->key, key, queue);
  queue->key = key;
}

OpenOffer* WaitingOffers::Next() const {
  if (ready_.empty()) return nullptr;
  const Lane* best = ready_.begin()->second->lanes.begin()->second;
  for (const auto& lane : best->home->lanes) {
    if (lane->queue->key == 0) continue;
    const int32_t priority = lane->levels.begin()->first;
    const int32_t best_priority = best->levels.begin()->first;
    if (priority > best_priority || (priority == best_priority && lane->key < best->key)) {
      best = lane.get();
    }
  }
  return best->front();
}

void WaitingOffers::Block(Demand* demand, uint64_t now_placed) {
  blocked_.emplace(demand->number, Blocked{.demand = demand, .since_placed = now_placed});
  Rekey(&queues_.at(demand->number));
}

void WaitingOffers::Unblock(Demand* demand) {
  if (blocked_.erase(demand->number) > 0) Rekey(&queues_.at(demand->number));
}

OpenOffer* WaitingOffers::FirstOf(const Demand& demand) const {
  return queues_.at(demand.number).lanes.begin()->second->front();
}

std::vector<std::vector<OpenOffer*>> WaitingOffers::UntoldOf(const Demand& demand) {
  std::vector<std::vector<OpenOffer*>> untold;
  Blocked& blocked = blocked_.at(demand.number);
  if (!std::exchange(blocked.has_new, false)) return untold;
  // Else those that came last are the ones that were not told.
  const bool look_at_all = std::exchange(blocked.has_returned, false);
  for (const auto& [key, lane] : queues_.at(demand.number).lanes) {
    std::vector<OpenOffer*> of_home;
    for (const auto& [priority, level] : lane->levels) {
      for (OpenOffer* offer = level.back(); offer != nullptr; offer = offer->previous) {
        if (!offer->told) of_home.push_back(offer);
        if (offer->told && !look_at_all) break;
      }
    }
    if (of_home.empty()) continue;
    std::reverse(of_home.begin(), of_home.end());
    untold.push_back(std::move(of_home));
  }
  return untold;
}

}  // namespace rayx::placement
