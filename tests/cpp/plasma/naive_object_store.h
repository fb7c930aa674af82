// The promises of ObjectStore, kept in the most obvious way: nothing is counted that can be looked
// up, and after each event everything is searched for objects that nobody needs. Knows nothing of
// memory. For randomized tests and fuzzing.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "plasma/effects.h"

namespace rayx::plasma {

class NaiveObjectStore {
 public:
  struct Object {
    bool sealed = false;
    bool is_inline = false;
    uint64_t size = 0;
    ClientId creator = kNoClient;
    std::vector<ObjectId> contained;
    std::set<ClientId> references;
    // Those of the references that came with Create only.
    std::set<ClientId> by_create;
    uint64_t counted = 0;
    std::map<ClientId, uint64_t> pins;
    std::vector<std::pair<ClientId, bool>> waiters;
  };

  // What Create must answer, apart from StoreFull.
  StatusCode CreateAnswer(ClientId creator, const ObjectId& id, uint64_t size) const {
    if (size == 0) return StatusCode::kInvalidArgument;
    const auto found = objects_.find(id);
    const bool taken =
        found != objects_.end() && (found->second.sealed || !found->second.creator.IsNil());
    return taken || superseded_.count({creator, id}) ? StatusCode::kAlreadyExists : StatusCode::kOk;
  }
  void Create(ClientId creator, const ObjectId& id, uint64_t size) {
    Object& object = objects_[id];
    object.creator = creator;
    object.size = size;
    if (object.references.insert(creator).second) object.by_create.insert(creator);
  }

  StatusCode Seal(ClientId creator, const ObjectId& id, const std::vector<ObjectId>& contained) {
    if (superseded_.erase({creator, id}) != 0) {
      if (objects_.count(id)) objects_[id].by_create.erase(creator);
      return StatusCode::kAlreadyExists;
    }
    if (!IsCreator(creator, id)) return StatusCode::kNotFound;
    Object& object = objects_[id];
    object.creator = kNoClient;
    object.by_create.erase(creator);
    if (IsReferenced(id)) GiveValue(id, false, object.size, contained);
    Sweep();
    return StatusCode::kOk;
  }

  StatusCode Abort(ClientId creator, const ObjectId& id) {
    const bool superseded = superseded_.erase({creator, id}) != 0;
    if (!superseded && !IsCreator(creator, id)) return StatusCode::kNotFound;
    const auto found = objects_.find(id);
    if (found == objects_.end()) return StatusCode::kOk;
    if (!superseded) found->second.creator = kNoClient;
    if (found->second.by_create.count(creator)) DropReference(found->second, creator);
    Sweep();
    return StatusCode::kOk;
  }

  StatusCode PutInline(ClientId creator, const ObjectId& id, uint64_t size,
                       const std::vector<ObjectId>& contained) {
    return PutWhole(creator, id, true, size, contained, !creator.IsNil());
  }
  // Into a reservation that the client has, and that is large enough.
  StatusCode PutReserved(ClientId creator, const ObjectId& id, uint64_t size,
                         const std::vector<ObjectId>& contained, bool keep_reference) {
    return PutWhole(creator, id, false, size, contained, keep_reference);
  }

  void AddClientReference(ClientId client, const ObjectId& id) {
    objects_[id].references.insert(client);
    objects_[id].by_create.erase(client);
  }
  StatusCode RemoveClientReference(ClientId client, const ObjectId& id) {
    const auto found = objects_.find(id);
    if (found == objects_.end() || !found->second.references.count(client))
      return StatusCode::kNotFound;
    DropReference(found->second, client);
    Sweep();
    return StatusCode::kOk;
  }
  void AddReference(const ObjectId& id) { ++objects_[id].counted; }
  void RemoveReference(const ObjectId& id) {
    --objects_[id].counted;
    Sweep();
  }
  uint64_t Counted(const ObjectId& id) const {
    const auto found = objects_.find(id);
    return found == objects_.end() ? 0 : found->second.counted;
  }

  void Get(ClientId client, const ObjectId& id, bool pin) {
    AddClientReference(client, id);
    Object& object = objects_[id];
    if (object.sealed) return Deliver(client, id, pin);
    for (auto& [waiter, wants_pin] : object.waiters) {
      if (waiter != client) continue;
      wants_pin = wants_pin || pin;
      return;
    }
    object.waiters.emplace_back(client, pin);
  }
  StatusCode Pin(ClientId client, const ObjectId& id) {
    if (!IsSealed(id)) return StatusCode::kNotFound;
    if (!objects_[id].is_inline) ++objects_[id].pins[client];
    return StatusCode::kOk;
  }
  StatusCode Unpin(ClientId client, const ObjectId& id) {
    const auto found = objects_.find(id);
    if (found == objects_.end() || found->second.pins[client] == 0) return StatusCode::kNotFound;
    --found->second.pins[client];
    Sweep();
    return StatusCode::kOk;
  }

  void OnClientGone(ClientId client) {
    for (auto& [id, object] : objects_) {
      DropReference(object, client);
      object.pins.erase(client);
      if (object.creator == client) object.creator = kNoClient;
    }
    std::erase_if(superseded_, [client](const auto& creation) { return creation.first == client; });
    Sweep();
  }

  bool IsSealed(const ObjectId& id) const {
    const auto found = objects_.find(id);
    return found != objects_.end() && found->second.sealed;
  }
  bool IsReferenced(const ObjectId& id) const {
    const auto found = objects_.find(id);
    if (found == objects_.end()) return false;
    if (!found->second.references.empty() || found->second.counted > 0) return true;
    return std::any_of(objects_.begin(), objects_.end(), [&](const auto& container) {
      const auto& [outer, object] = container;
      if (!object.sealed || outer == id) return false;
      return std::count(object.contained.begin(), object.contained.end(), id) > 0;
    });
  }
  const std::map<ObjectId, Object>& objects() const { return objects_; }
  std::vector<Effect> TakeEffects() { return std::exchange(effects_, {}); }

 private:
  StatusCode PutWhole(ClientId creator, const ObjectId& id, bool is_inline, uint64_t size,
                      const std::vector<ObjectId>& contained, bool keep_reference) {
    if (IsSealed(id)) return StatusCode::kAlreadyExists;
    if (!keep_reference && !IsReferenced(id)) return StatusCode::kOk;
    if (keep_reference) AddClientReference(creator, id);
    GiveValue(id, is_inline, size, contained);
    return StatusCode::kOk;
  }

  bool IsCreator(ClientId client, const ObjectId& id) const {
    const auto found = objects_.find(id);
    return !client.IsNil() && found != objects_.end() && found->second.creator == client;
  }

  static void DropReference(Object& object, ClientId client) {
    object.references.erase(client);
    object.by_create.erase(client);
    std::erase_if(object.waiters, [client](const auto& waiter) { return waiter.first == client; });
  }

  void GiveValue(const ObjectId& id, bool is_inline, uint64_t size,
                 const std::vector<ObjectId>& contained) {
    Object& object = objects_[id];
    if (!object.creator.IsNil()) superseded_.insert({object.creator, id});
    object.creator = kNoClient;
    object.sealed = true;
    object.is_inline = is_inline;
    object.size = size;
    object.contained = contained;
    for (const ObjectId& inner : contained) objects_[inner];
    effects_.emplace_back(ObjectSealed{id});
    for (const auto& [client, pin] : std::exchange(object.waiters, {})) Deliver(client, id, pin);
    Sweep();
  }

  void Deliver(ClientId client, const ObjectId& id, bool pin) {
    const bool counts_pin = pin && !objects_[id].is_inline;
    if (counts_pin) ++objects_[id].pins[client];
    effects_.emplace_back(DeliverObject{client, id, counts_pin});
  }

  void Sweep() {
    bool changed = true;
    while (changed) {
      changed = false;
      for (auto at = objects_.begin(); at != objects_.end();) {
        const Object& object = at->second;
        const bool pinned = std::any_of(object.pins.begin(), object.pins.end(),
                                        [](const auto& p) { return p.second > 0; });
        if (pinned || !object.creator.IsNil() || IsReferenced(at->first)) {
          ++at;
          continue;
        }
        if (object.sealed) effects_.emplace_back(ObjectDeleted{at->first, object.size});
        at = objects_.erase(at);
        changed = true;
      }
    }
  }

  std::map<ObjectId, Object> objects_;
  std::set<std::pair<ClientId, ObjectId>> superseded_;
  std::vector<Effect> effects_;
};

}  // namespace rayx::plasma
