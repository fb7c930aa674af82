// ObjectStore::SanityCheck: what must hold between any two events.
#include <optional>
#include <unordered_map>

#include "common/base/check.h"
#include "plasma/object_store.h"

namespace rayx::plasma {

void ObjectStore::SanityCheck() const {
  arena_.SanityCheck();
  holders_.SanityCheck();
  RAYX_CHECK(doomed_.empty());
  size_t holders = 0;
  for (const Object& object : objects_) {
    const auto& [id, entry] = object;
    // No entry is without reason, and what is only expected is so because of a reference.
    RAYX_CHECK(entry.IsNeeded());
    RAYX_IMPLIES(entry.state() == ObjectState::kExpected, entry.IsReferenced());
    RAYX_IMPLIES(entry.IsElsewhere(), entry.IsReferenced() && entry.HasValue());
    if (entry.sharing != nullptr) CheckSharing(object);
    RAYX_IMPLIES(entry.IsSealed(), entry.waiters.empty());
    const bool is_in_pool = entry.IsSealed() && !entry.sealed()->is_inline;
    RAYX_IMPLIES(entry.pins > 0, is_in_pool);
    RAYX_CHECK(eviction_.Contains(id) == (is_in_pool && entry.pins == 0));
    CheckHolders(object);
    holders += holders_.HoldersOf(entry.holders).size();
  }
  RAYX_CHECK(holders == holders_.size());
  CheckContained();
  CheckSums();
}

void ObjectStore::CheckHolders(const Object& object) const {
  const auto& [id, entry] = object;
  uint64_t references = 0;
  uint64_t pins = 0;
  ClientId creator = kNoClient;
  for (const Holder* holder : holders_.HoldersOf(entry.holders)) {
    RAYX_CHECK(holder->object == id);
    references += holder->referenced ? 1 : 0;
    pins += holder->pins;
    RAYX_IMPLIES(holder->referenced_by_create,
                 holder->creating || IsSuperseded(holder->client, id));
    if (!holder->creating) continue;
    RAYX_CHECK(creator.IsNil());
    creator = holder->client;
  }
  RAYX_CHECK(references == entry.client_references);
  RAYX_CHECK(pins == entry.pins);
  RAYX_CHECK(creator == (entry.created() == nullptr ? kNoClient : entry.created()->creator));
  for (const GetWaiters::Waiter& waiter : entry.waiters.waiters()) {
    const Holder* holder = holders_.Find(entry.holders, waiter.client);
    RAYX_CHECK(holder != nullptr && holder->referenced);
  }
}

void ObjectStore::CheckSharing(const Object& object) const {
  const auto& [id, entry] = object;
  const Sharing& sharing = *entry.sharing;
  RAYX_IMPLIES(sharing.version != 0, entry.IsSealed() && !entry.sealed()->is_inline);
  if (sharing.home.IsNil()) {
    RAYX_CHECK(!sharing.told && !sharing.kept);
    // What there is at the home is there because of other nodes, and ends with the value, but for
    // the name of that.
    RAYX_IMPLIES(entry.IsSealed(), sharing.version != 0 && sharing.places.empty());
    return;
  }
  RAYX_CHECK(sharing.told == entry.IsReferencedHere());
  RAYX_IMPLIES(sharing.asked, sharing.told);
  RAYX_IMPLIES(entry.IsSealed(), sharing.places.empty());
  const Holder* home = holders_.Find(entry.holders, sharing.home);
  RAYX_CHECK(sharing.kept == (home != nullptr && home->referenced));
}

void ObjectStore::CheckContained() const {
  std::unordered_map<ObjectId, uint64_t> containers;
  for (const auto& [id, entry] : objects_) {
    if (entry.sharing != nullptr) {
      for (const ObjectId& inner : entry.sharing->contained) ++containers[inner];
    }
    if (!entry.IsSealed()) continue;
    for (const ObjectId& inner : entry.sealed()->contained) ++containers[inner];
  }
  for (const auto& [inner, count] : containers) {
    const Object* object = FindObject(inner);
    RAYX_CHECK(object != nullptr && object->second.counted_references >= count);
  }
}

void ObjectStore::CheckSums() const {
  uint64_t sealed_objects = 0;
  uint64_t inline_bytes = 0;
  uint64_t pinned_bytes = 0;
  size_t evictable = 0;
  uint64_t extents = superseded_.size() + reserved_.size();
  for (const auto& [id, entry] : objects_) {
    if (entry.created() != nullptr) ++extents;
    const SealedObject* value = entry.sealed();
    if (value == nullptr) continue;
    ++sealed_objects;
    if (value->is_inline) {
      inline_bytes += value->data.size();
    } else {
      ++extents;
      if (entry.pins > 0) pinned_bytes += value->extent.size_bytes;
      if (entry.pins == 0) ++evictable;
    }
  }
  RAYX_CHECK(sealed_objects == sealed_objects_);
  RAYX_CHECK(inline_bytes == inline_bytes_);
  RAYX_CHECK(pinned_bytes == pinned_bytes_);
  RAYX_CHECK(evictable == eviction_.size());
  RAYX_CHECK(extents == arena_.GetStats().allocations);
}

}  // namespace rayx::plasma
