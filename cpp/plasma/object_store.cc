#include "plasma/object_store.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/sparse_table.h"

namespace rayx::plasma {
namespace {

// A node that is in use has thousands of objects; growing to there step by step would rehash them
// all each time.
constexpr size_t kObjectsReserved = 4096;

Status HasValueAlready(const ObjectId& id) {
  return Status::AlreadyExists("object " + id.Hex() + " has a value already");
}

Status NotCreatedBy(ClientId client, const ObjectId& id) {
  return Status::NotFound("client " + client.ToString() + " is not creating object " + id.Hex());
}

}  // namespace

ObjectStore::ObjectStore(uint64_t pool_bytes) : arena_(pool_bytes) {
  objects_.reserve(kObjectsReserved);
}

// ---- the table ---------------------------------------------------------------------------------

ObjectStore::Object* ObjectStore::FindObject(const ObjectId& id) {
  const auto found = objects_.find(id);
  return found == objects_.end() ? nullptr : &*found;
}

const ObjectStore::Object* ObjectStore::FindObject(const ObjectId& id) const {
  const auto found = objects_.find(id);
  return found == objects_.end() ? nullptr : &*found;
}

ObjectStore::Object& ObjectStore::FindOrExpect(const ObjectId& id) {
  return *objects_.try_emplace(id).first;
}

// ---- making objects ----------------------------------------------------------------------------

Result<uint64_t> ObjectStore::Create(ClientId creator, const ObjectId& id, uint64_t size) {
  RAYX_CHECK(!creator.IsNil());
  if (size == 0) return Status::InvalidArgument("an object of 0 bytes needs no room in the pool");
  if (const Object* object = FindObject(id)) {
    if (object->second.HasValue()) return HasValueAlready(id);
    if (const CreatedObject* created = object->second.created()) {
      return Status::AlreadyExists("object " + id.Hex() + " is being created by client " +
                                   created->creator.ToString());
    }
  }
  if (IsSuperseded(creator, id)) return HasValueAlready(id);

  const std::optional<Arena::Allocation> extent = arena_.Allocate(size);
  if (!extent) {
    return Status::StoreFull(StoreFullText(size, arena_.GetStats(),
                                           Largest(Summaries(), limits::kHoldersListed,
                                                   /*in_pool_only=*/true)));
  }
  Object& object = FindOrExpect(id);
  object.second.MoveTo(CreatedObject{creator, Extent{extent->offset, size}});
  AddReferenceOf(creator, object, /*by_create=*/true);
  return extent->offset;
}

Status ObjectStore::Seal(ClientId creator, const ObjectId& id,
                         std::span<const ObjectId> contained) {
  Object* object = FindObject(id);
  const CreatedObject* created = object == nullptr ? nullptr : object->second.created();
  if (created == nullptr || created->creator != creator) {
    return EndSuperseded(creator, id, /*keep_reference=*/true) ? HasValueAlready(id)
                                                               : NotCreatedBy(creator, id);
  }
  if (!object->second.IsReferenced()) {
    AbortCreation(*object);
    return Status::Ok();
  }
  SealedObject value;
  holders_.Find(object->second.holders, creator)->referenced_by_create = false;
  value.extent = EndCreation(*object).extent;
  SealWith(*object, std::move(value), contained);
  return Status::Ok();
}

Status ObjectStore::Abort(ClientId creator, const ObjectId& id) {
  Object* object = FindObject(id);
  const CreatedObject* created = object == nullptr ? nullptr : object->second.created();
  if (created != nullptr && created->creator == creator) {
    AbortCreation(*object);
    return Status::Ok();
  }
  return EndSuperseded(creator, id, /*keep_reference=*/false) ? Status::Ok()
                                                              : NotCreatedBy(creator, id);
}

Status ObjectStore::PutInline(ClientId creator, const ObjectId& id, std::span<const uint8_t> data,
                              std::span<const ObjectId> contained) {
  const Result<Object*> object = ObjectToPut(creator, id, /*keep_reference=*/!creator.IsNil());
  if (!object.ok() || *object == nullptr) return object.status();
  SealedObject value;
  value.is_inline = true;
  value.data.assign(data.begin(), data.end());
  SealWith(**object, std::move(value), contained);
  return Status::Ok();
}

Result<ObjectStore::Object*> ObjectStore::ObjectToPut(ClientId creator, const ObjectId& id,
                                                      bool keep_reference) {
  Object* object = FindObject(id);
  if (object != nullptr && object->second.HasValue()) return HasValueAlready(id);
  const bool is_wanted = keep_reference || (object != nullptr && object->second.IsReferenced());
  if (!is_wanted) return nullptr;
  if (object == nullptr) object = &FindOrExpect(id);
  if (object->second.state() == ObjectState::kCreated) {
    const CreatedObject overtaken = EndCreation(*object);
    superseded_.push_back({overtaken.creator, id, overtaken.extent});
  }
  if (keep_reference) AddReferenceOf(creator, *object, /*by_create=*/false);
  return object;
}

void ObjectStore::SealWith(Object& object, SealedObject value,
                           std::span<const ObjectId> contained) {
  auto& [id, entry] = object;
  value.contained.reserve(contained.size());
  for (const ObjectId& inner : contained) {
    // An object that kept itself would never go.
    if (inner == id) continue;
    AddReference(inner);
    value.contained.push_back(inner);
  }
  ++sealed_objects_;
  if (value.is_inline) {
    inline_bytes_ += value.data.size();
  } else {
    eviction_.Add(id, value.extent.size_bytes);
  }
  entry.MoveTo(std::move(value));
  effects_.emplace_back(ObjectSealed{id});
  if (!entry.waiters.empty()) {
    for (const GetWaiters::Waiter& waiter : entry.waiters.Take())
      Deliver(waiter.client, object, waiter.pin);
  }
  if (entry.sharing != nullptr) [[unlikely]]
    OnSharedSealed(object);
}

CreatedObject ObjectStore::EndCreation(Object& object) {
  auto& [id, entry] = object;
  const CreatedObject created = *entry.created();
  Holder* holder = holders_.Find(entry.holders, created.creator);
  RAYX_CHECK(holder != nullptr && holder->creating);
  holder->creating = false;
  holders_.RemoveIfIdle(entry.holders, created.creator);
  return created;
}

void ObjectStore::AbortCreation(Object& object) {
  auto& [id, entry] = object;
  const ClientId creator = entry.created()->creator;
  Holder* holder = holders_.Find(entry.holders, creator);
  RAYX_CHECK(holder != nullptr);
  if (holder->referenced_by_create) RemoveReferenceOf(creator, object, *holder);
  arena_.Free(EndCreation(object).extent.offset);
  if (entry.HasValue()) {
    entry.MoveTo(ElsewhereObject());
  } else {
    entry.MoveTo(ExpectedObject());
  }
  DropIfUnneeded(object);
}

bool ObjectStore::IsSuperseded(ClientId creator, const ObjectId& id) const {
  return std::any_of(superseded_.begin(), superseded_.end(), [&](const SupersededCreation& old) {
    return old.creator == creator && old.id == id;
  });
}

bool ObjectStore::EndSuperseded(ClientId creator, const ObjectId& id, bool keep_reference) {
  const auto at = std::find_if(
      superseded_.begin(), superseded_.end(),
      [&](const SupersededCreation& old) { return old.creator == creator && old.id == id; });
  if (at == superseded_.end()) return false;
  arena_.Free(at->extent.offset);
  superseded_.erase(at);
  Object* object = FindObject(id);
  Holder* holder = object == nullptr ? nullptr : holders_.Find(object->second.holders, creator);
  if (holder == nullptr || !holder->referenced_by_create) return true;
  holder->referenced_by_create = false;
  if (!keep_reference) DropReferenceOf(creator, *object, *holder);
  return true;
}

// ---- who needs what ----------------------------------------------------------------------------

void ObjectStore::AddReferenceOf(ClientId client, Object& object, bool by_create) {
  Holder& holder = holders_.FindOrAdd(object.second.holders, client, object.first);
  if (by_create) {
    holder.creating = true;
    holder.referenced_by_create = !holder.referenced;
  } else {
    // Now wanted for its own sake as well: an abort must not take it.
    holder.referenced_by_create = false;
  }
  if (!holder.referenced) {
    holder.referenced = true;
    ++object.second.client_references;
    NoteReferences(object);
  }
}

void ObjectStore::RemoveReferenceOf(ClientId client, Object& object, Holder& holder) {
  holder.referenced = false;
  holder.referenced_by_create = false;
  --object.second.client_references;
  object.second.waiters.Remove(client);
  if (object.second.sharing != nullptr) [[unlikely]] {
    if (client == object.second.sharing->home) object.second.sharing->kept = false;
    NoteSharedReferences(object);
  }
}

void ObjectStore::DropReferenceOf(ClientId client, Object& object, Holder& holder) {
  RemoveReferenceOf(client, object, holder);
  holders_.RemoveIfIdle(object.second.holders, client);
  DropIfUnneeded(object);
}

void ObjectStore::AddClientReference(ClientId client, const ObjectId& id) {
  AddReferenceOf(client, FindOrExpect(id), /*by_create=*/false);
}

Status ObjectStore::RemoveClientReference(ClientId client, const ObjectId& id) {
  Object* object = FindObject(id);
  Holder* holder = object == nullptr ? nullptr : holders_.Find(object->second.holders, client);
  if (holder == nullptr || !holder->referenced) {
    return Status::NotFound("client " + client.ToString() + " holds no reference to object " +
                            id.Hex());
  }
  DropReferenceOf(client, *object, *holder);
  return Status::Ok();
}

void ObjectStore::AddReference(const ObjectId& id) {
  Object& object = FindOrExpect(id);
  ++object.second.counted_references;
  NoteReferences(object);
}

void ObjectStore::RemoveReference(const ObjectId& id) {
  Object* object = FindObject(id);
  RAYX_CHECK(object != nullptr && object->second.counted_references > 0);
  --object->second.counted_references;
  NoteReferences(*object);
  DropIfUnneeded(*object);
}

void ObjectStore::Get(ClientId client, const ObjectId& id, bool pin) {
  Object& object = FindOrExpect(id);
  AddReferenceOf(client, object, /*by_create=*/false);
  if (object.second.IsSealed() || (object.second.IsElsewhere() && !pin)) {
    return Deliver(client, object, pin);
  }
  object.second.waiters.Add(client, pin);
  if (object.second.sharing != nullptr) [[unlikely]]
    NoteWanted(object, pin);
}

void ObjectStore::Defer(ClientId client, const ObjectId& id) {
  Object& object = FindOrExpect(id);
  if (object.second.IsSealed()) return Get(client, id, /*pin=*/false);
  AddReferenceOf(client, object, /*by_create=*/false);
  object.second.waiters.Defer(client);
}

void ObjectStore::Settle(ClientId client, const ObjectId& id, Settlement how) {
  Object* object = FindObject(id);
  if (object == nullptr) return;
  // One without a value has waiters, one with a value has none, but served clients that refer to
  // it.
  if (!object->second.IsSealed()) return object->second.waiters.Settle(client, how);
  if (how == Settlement::kDelivered) return;
  const Holder* holder = holders_.Find(object->second.holders, client);
  if (holder != nullptr && holder->referenced) Deliver(client, *object, /*pin=*/false);
}

void ObjectStore::Deliver(ClientId client, Object& object, bool pin) {
  const SealedObject* value = object.second.sealed();
  const bool is_in_pool = value != nullptr && !value->is_inline;
  const bool counts_pin = pin && is_in_pool;
  if (counts_pin) {
    AddPin(client, object);
  } else if (is_in_pool && object.second.pins == 0) {
    eviction_.Use(object.first);
  }
  effects_.emplace_back(DeliverObject{client, object.first, counts_pin});
}

Result<ObjectLocation> ObjectStore::Pin(ClientId client, const ObjectId& id) {
  Object* object = FindObject(id);
  if (object == nullptr || !object->second.IsSealed()) {
    return Status::NotFound("object " + id.Hex() + " has no value here");
  }
  if (!object->second.sealed()->is_inline) AddPin(client, *object);
  return LocationOf(*object->second.sealed());
}

Status ObjectStore::Unpin(ClientId client, const ObjectId& id) {
  Object* object = FindObject(id);
  Holder* holder = object == nullptr ? nullptr : holders_.Find(object->second.holders, client);
  if (holder == nullptr || holder->pins == 0) {
    return Status::NotFound("client " + client.ToString() + " holds no pin of object " + id.Hex());
  }
  RemovePins(*object, *holder, 1);
  holders_.RemoveIfIdle(object->second.holders, client);
  DropIfUnneeded(*object);
  return Status::Ok();
}

void ObjectStore::AddPin(ClientId client, Object& object) {
  ++holders_.FindOrAdd(object.second.holders, client, object.first).pins;
  if (object.second.pins++ > 0) return;
  pinned_bytes_ += object.second.sealed()->size_bytes();
  eviction_.Remove(object.first);
}

void ObjectStore::RemovePins(Object& object, Holder& holder, uint64_t count) {
  if (count == 0) return;
  holder.pins -= count;
  object.second.pins -= count;
  if (object.second.pins > 0) return;
  pinned_bytes_ -= object.second.sealed()->size_bytes();
  eviction_.Add(object.first, object.second.sealed()->size_bytes());
}

void ObjectStore::OnClientGone(ClientId client) {
  for (const SupersededCreation& old : superseded_) {
    if (old.creator == client) arena_.Free(old.extent.offset);
  }
  std::erase_if(superseded_,
                [client](const SupersededCreation& old) { return old.creator == client; });
  GiveBackAllOf(client);
  while (const std::optional<ObjectId> id = holders_.AnyObjectOf(client)) {
    Object& object = *FindObject(*id);
    Holder& holder = *holders_.Find(object.second.holders, client);
    if (holder.referenced) RemoveReferenceOf(client, object, holder);
    RemovePins(object, holder, holder.pins);
    if (holder.creating) {
      AbortCreation(object);
    } else {
      holders_.RemoveIfIdle(object.second.holders, client);
      DropIfUnneeded(object);
    }
  }
  holders_.ForgetClient(client);
}

// ---- the end of objects ------------------------------------------------------------------------

void ObjectStore::DropIfUnneeded(Object& object) {
  if (object.second.IsNeeded()) return;
  doomed_.push_back(&object);
  EndDoomed();
}

void ObjectStore::EndDoomed() {
  // A list of work instead of recursion: values may be nested a million deep.
  while (!doomed_.empty()) {
    Object& ending = *doomed_.back();
    doomed_.pop_back();
    if (const SealedObject* value = ending.second.sealed()) ReleaseValue(ending, *value);
    if (ending.second.sharing != nullptr) [[unlikely]]
      EndSharing(ending);
    const ObjectId id = ending.first;
    objects_.erase(id);
  }
  ShrinkIfSparse(objects_);
}

void ObjectStore::ReleaseValue(const Object& object, const SealedObject& value) {
  --sealed_objects_;
  if (value.is_inline) {
    inline_bytes_ -= value.data.size();
  } else {
    eviction_.Remove(object.first);
    arena_.Free(value.extent.offset);
  }
  effects_.emplace_back(ObjectDeleted{object.first, value.size_bytes()});
  ReleaseContained(value.contained);
}

void ObjectStore::ReleaseContained(std::span<const ObjectId> contained) {
  for (const ObjectId& inner : contained) {
    Object& referred = *FindObject(inner);
    --referred.second.counted_references;
    NoteReferences(referred);
    if (!referred.second.IsNeeded()) doomed_.push_back(&referred);
  }
}

// ---- questions ---------------------------------------------------------------------------------

ObjectLocation ObjectStore::LocationOf(const SealedObject& value) const {
  ObjectLocation location;
  location.is_inline = value.is_inline;
  location.data = value.data;
  location.offset = value.extent.offset;
  location.size = value.size_bytes();
  return location;
}

bool ObjectStore::IsSealed(const ObjectId& id) const {
  const Object* object = FindObject(id);
  return object != nullptr && object->second.IsSealed();
}

bool ObjectStore::IsExpected(const ObjectId& id) const {
  const Object* object = FindObject(id);
  return object != nullptr && !object->second.HasValue() && object->second.IsReferenced();
}

std::optional<ObjectLocation> ObjectStore::Find(const ObjectId& id) const {
  const Object* object = FindObject(id);
  if (object == nullptr || !object->second.HasValue()) return std::nullopt;
  if (const SealedObject* value = object->second.sealed()) return LocationOf(*value);
  ObjectLocation elsewhere;
  elsewhere.size = object->second.sharing->size_bytes;
  elsewhere.is_elsewhere = true;
  return elsewhere;
}

bool ObjectStore::IsHeldOnlyBy(const ObjectId& id, std::span<const ClientId> clients) const {
  const Object* object = FindObject(id);
  if (object == nullptr || object->second.counted_references > 0) return false;
  if (object->second.client_references > clients.size()) return false;
  const std::vector<const Holder*> holders = holders_.HoldersOf(object->second.holders);
  return std::all_of(holders.begin(), holders.end(), [&](const Holder* holder) {
    return std::find(clients.begin(), clients.end(), holder->client) != clients.end();
  });
}

std::vector<ObjectId> ObjectStore::ContainedIn(const ObjectId& id) const {
  const Object* object = FindObject(id);
  if (object == nullptr || !object->second.IsSealed()) return {};
  return object->second.sealed()->contained;
}

StoreStats ObjectStore::Stats() const {
  const Arena::Stats pool = arena_.GetStats();
  StoreStats stats;
  stats.pool_bytes = pool.size_bytes;
  stats.pool_used_bytes = pool.used_bytes - reserved_.bytes();
  stats.pool_reserved_bytes = reserved_.bytes();
  stats.pool_largest_free_bytes = pool.largest_free_bytes;
  stats.pool_touched_bytes = pool.touched_bytes;
  stats.inline_bytes = inline_bytes_;
  stats.objects = objects_.size();
  stats.sealed_objects = sealed_objects_;
  stats.pinned_bytes = pinned_bytes_;
  return stats;
}

ObjectSummary ObjectStore::Summarize(const Object& object) const {
  const auto& [id, entry] = object;
  ObjectSummary summary;
  summary.id = id;
  summary.state = entry.state();
  if (const SealedObject* value = entry.sealed()) {
    summary.is_inline = value->is_inline;
    summary.size_bytes = value->size_bytes();
  } else if (const CreatedObject* created = entry.created()) {
    summary.size_bytes = created->extent.size_bytes;
  } else if (entry.IsElsewhere()) {
    summary.size_bytes = entry.sharing->size_bytes;
  }
  summary.client_references = entry.client_references;
  summary.counted_references = entry.counted_references;
  summary.pins = entry.pins;
  return summary;
}

std::vector<ObjectSummary> ObjectStore::Summaries() const {
  std::vector<ObjectSummary> all;
  all.reserve(objects_.size());
  for (const Object& object : objects_) all.push_back(Summarize(object));
  return all;
}

std::vector<Effect> ObjectStore::TakeEffects() { return std::exchange(effects_, {}); }

}  // namespace rayx::plasma
