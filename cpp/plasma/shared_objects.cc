#include "plasma/shared_objects.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/base/check.h"

namespace rayx::plasma {

// ---- what follows from the store's own events --------------------------------------------------

bool ObjectStore::IsCopyUnneeded(const ObjectEntry& entry) const {
  const CreatedObject* created = entry.created();
  if (created == nullptr || created->creator != SharedObjects::kCopier) return false;
  const Holder* copier = holders_.Find(entry.holders, SharedObjects::kCopier);
  const uint64_t of_home = entry.sharing->kept ? 1 : 0;
  return copier->referenced && entry.client_references == 1 + of_home &&
         entry.counted_references == 0;
}

void ObjectStore::NoteSharedReferences(Object& object) {
  Sharing& sharing = *object.second.sharing;
  if (IsCopyUnneeded(object.second)) {
    sharing.is_wanted_here = false;
    effects_.emplace_back(CopyIsUnneeded{object.first});
  }
  const bool is_referenced = object.second.IsReferencedHere();
  if (sharing.home.IsNil() || sharing.told == is_referenced) return;
  sharing.told = is_referenced;
  if (is_referenced) return news_.Add(sharing.home, object.first);
  news_.Remove(sharing.home, object.first);
  // By that the home forgets who has asked.
  sharing.asked = false;
}

void ObjectStore::NoteWanted(Object& object, bool here) {
  Sharing& sharing = *object.second.sharing;
  sharing.is_wanted_here = sharing.is_wanted_here || here;
  effects_.emplace_back(FetchObject{object.first});
}

void ObjectStore::OnSharedSealed(Object& object) {
  Sharing& sharing = *object.second.sharing;
  if (sharing.home.IsNil()) {
    EndSharing(object);
    object.second.sharing.reset();
    return EndDoomed();
  }
  sharing.places.clear();
  sharing.asked = false;
  sharing.is_wanted_here = false;
  if (sharing.announced == Announced::kValue) return;
  effects_.emplace_back(SharedObjectSealed{object.first});
}

void ObjectStore::EndSharing(Object& object) {
  Sharing& sharing = *object.second.sharing;
  RAYX_CHECK(!sharing.told && !sharing.kept);
  if (object.second.state() != ObjectState::kSealed) {
    effects_.emplace_back(ElsewhereEnded{object.first});
  }
  if (!sharing.home.IsNil()) return;
  for (const NodeId& node : sharing.places) {
    news_.AddUnneeded(object.first, node);
  }
  if (!sharing.maker.IsNil()) news_.AddUnneeded(object.first, sharing.maker);
  ReleaseContained(sharing.contained);
}

// ---- events of other nodes ---------------------------------------------------------------------

bool SharedObjects::Share(const ObjectId& id, ClientId home) {
  ObjectStore::Object* object = store_->FindObject(id);
  RAYX_CHECK(object != nullptr && !home.IsNil());
  ObjectEntry& entry = object->second;
  if (entry.sharing == nullptr) entry.sharing = std::make_unique<Sharing>();
  const Sharing& known = *entry.sharing;
  if (!known.home.IsNil() || !known.places.empty() || !known.maker.IsNil()) return false;
  entry.sharing->home = home;
  const Holder* holder = store_->holders_.Find(entry.holders, home);
  entry.sharing->kept = holder != nullptr && holder->referenced;
  store_->NoteSharedReferences(*object);
  // By a task that waits for it already.
  if (known.is_wanted_here) store_->effects_.emplace_back(FetchObject{id});
  return true;
}

void SharedObjects::WantHere(const ObjectId& id) {
  ObjectStore::Object* object = store_->FindObject(id);
  if (object == nullptr || object->second.IsSealed()) return;
  // Nothing can be done yet if no other node has to do with it; but it may get a value at one.
  if (object->second.sharing == nullptr) {
    object->second.sharing = std::make_unique<Sharing>();
    object->second.sharing->is_wanted_here = true;
    return;
  }
  store_->NoteWanted(*object, /*here=*/true);
}

bool SharedObjects::IsReferencedBy(const ObjectId& id, ClientId client) const {
  const ObjectStore::Object* object = std::as_const(*store_).FindObject(id);
  if (object == nullptr) return false;
  const Holder* holder = store_->holders_.Find(object->second.holders, client);
  return holder != nullptr && holder->referenced;
}

Sharing* SharedObjects::Find(const ObjectId& id) {
  ObjectStore::Object* object = store_->FindObject(id);
  return object == nullptr ? nullptr : object->second.sharing.get();
}

void SharedObjects::Keep(const ObjectId& id) {
  ObjectStore::Object* object = store_->FindObject(id);
  RAYX_CHECK(object != nullptr && object->second.sharing != nullptr);
  object->second.sharing->kept = true;
  store_->AddReferenceOf(object->second.sharing->home, *object, /*by_create=*/false);
}

void SharedObjects::DropKept(const ObjectId& id, ClientId home) {
  const Sharing* sharing = Find(id);
  if (sharing == nullptr || sharing->home != home || !sharing->kept) return;
  RAYX_CHECK(store_->RemoveClientReference(home, id).ok());
}

void SharedObjects::PutCopy(const ObjectId& id, std::span<const uint8_t> data,
                            std::span<const ObjectId> contained) {
  ObjectStore::Object* object = store_->FindObject(id);
  if (object == nullptr || object->second.sharing == nullptr) return;
  object->second.sharing->asked = false;
  if (!object->second.IsReferencedHere() || object->second.IsSealed()) return;
  // What a client writes here is overtaken, and so is a copy.
  object->second.sharing->places.clear();
  object->second.sharing->announced = Announced::kValue;
  if (object->second.IsElsewhere()) object->second.MoveTo(ExpectedObject());
  RAYX_CHECK(store_->PutInline(kNoClient, id, data, contained).ok());
}

std::vector<ObjectId> SharedObjects::OnGone(ClientId home) {
  news().Forget(home);
  std::vector<ObjectId> kept;
  std::vector<ObjectId> lost;
  for (auto& [id, entry] : store_->objects_) {
    if (entry.sharing == nullptr || entry.sharing->home != home) continue;
    if (entry.sharing->kept) kept.push_back(id);
    // Who makes it here goes on.
    const bool is_made_here =
        entry.sharing->announced != Announced::kNothing && entry.sharing->places.empty();
    const bool has_value = entry.IsSealed();
    // A copy that is being made has no source any more.
    if (entry.IsElsewhere()) entry.MoveTo(ExpectedObject());
    entry.sharing.reset();
    if (!has_value && !is_made_here) lost.push_back(id);
  }
  for (const ObjectId& id : kept) RAYX_CHECK(store_->RemoveClientReference(home, id).ok());
  std::sort(lost.begin(), lost.end());
  return lost;
}

bool SharedObjects::PlaceElsewhere(const ObjectId& id, uint64_t size_bytes,
                                   std::span<const ObjectId> contained,
                                   std::span<const NodeId> places) {
  ObjectStore::Object* object = store_->FindObject(id);
  if (object == nullptr || object->second.HasValue() || places.empty()) return false;
  ObjectEntry& entry = object->second;
  if (!entry.IsReferencedHere()) return false;
  // Who writes here is overtaken.
  const Result<ObjectStore::Object*> put = store_->ObjectToPut(kNoClient, id, false);
  RAYX_CHECK(put.ok() && *put == object);
  if (entry.sharing == nullptr) entry.sharing = std::make_unique<Sharing>();
  Sharing& sharing = *entry.sharing;
  sharing.asked = false;
  sharing.size_bytes = size_bytes;
  sharing.places.assign(places.begin(), places.end());
  sharing.maker = NodeId();
  if (sharing.home.IsNil()) {
    for (const ObjectId& inner : contained) {
      if (inner == id) continue;
      store_->AddReference(inner);
      sharing.contained.push_back(inner);
    }
    store_->effects_.emplace_back(ObjectIsElsewhere{id});
  } else {
    sharing.announced = Announced::kValue;
  }
  entry.MoveTo(ElsewhereObject());
  // Who wants only to know hears that it is there; the others wait on.
  for (const GetWaiters::Waiter& waiter : entry.waiters.Take()) {
    if (!waiter.pin) {
      store_->Deliver(waiter.client, *object, /*pin=*/false);
      continue;
    }
    entry.waiters.Add(waiter.client, /*pin=*/true);
    sharing.is_wanted_here = true;
  }
  if (sharing.is_wanted_here) store_->effects_.emplace_back(FetchObject{id});
  return true;
}

void SharedObjects::SetVersion(const ObjectId& id, uint64_t version) {
  ObjectStore::Object* object = store_->FindObject(id);
  RAYX_CHECK(object != nullptr && object->second.IsSealed());
  if (object->second.sharing == nullptr) object->second.sharing = std::make_unique<Sharing>();
  object->second.sharing->version = version;
}

void SharedObjects::SetPlaces(const ObjectId& id, std::span<const NodeId> places) {
  ObjectStore::Object* object = store_->FindObject(id);
  if (object == nullptr || object->second.IsSealed() || object->second.sharing == nullptr) return;
  ObjectEntry& entry = object->second;
  entry.sharing->places.assign(places.begin(), places.end());
  if (places.empty()) {
    entry.sharing->announced = Announced::kNothing;
    if (entry.IsElsewhere()) entry.MoveTo(ExpectedObject());
  } else if (entry.state() == ObjectState::kExpected) {
    entry.MoveTo(ElsewhereObject());
  }
}

Result<uint64_t> SharedObjects::CreateCopy(const ObjectId& id) {
  ObjectStore::Object* object = store_->FindObject(id);
  if (object == nullptr || !object->second.IsElsewhere()) {
    return Status::NotFound("object " + id.Hex() + " is not at another node");
  }
  Sharing& sharing = *object->second.sharing;
  // Room is asked for as for any object without a value.
  std::vector<NodeId> places = std::exchange(sharing.places, {});
  Result<uint64_t> offset = store_->Create(kCopier, id, sharing.size_bytes);
  sharing.places = std::move(places);
  return offset;
}

void SharedObjects::Lose(const ObjectId& id, std::span<const uint8_t> error) {
  ObjectStore::Object* object = store_->FindObject(id);
  if (object == nullptr || object->second.HasValue()) return;
  const Sharing* sharing = object->second.sharing.get();
  const std::vector<ObjectId> contained =
      sharing == nullptr ? std::vector<ObjectId>() : sharing->contained;
  // AlreadyExists cannot be; one that nobody wants is dropped.
  (void)store_->PutInline(kNoClient, id, error, contained);
}

bool SharedObjects::SetMaker(const ObjectId& id, const NodeId& maker) {
  ObjectStore::Object* object = store_->FindObject(id);
  if (object == nullptr || object->second.HasValue() || !object->second.IsReferenced()) {
    return false;
  }
  if (object->second.sharing == nullptr) object->second.sharing = std::make_unique<Sharing>();
  if (!object->second.sharing->home.IsNil()) return false;
  object->second.sharing->maker = maker;
  return true;
}

std::vector<ObjectId> SharedObjects::OnGone(const NodeId& node) {
  std::vector<ObjectId> lost;
  for (auto& [id, entry] : store_->objects_) {
    Sharing* sharing = entry.sharing.get();
    if (sharing == nullptr || !sharing->home.IsNil()) continue;
    const bool is_maker = sharing->maker == node;
    if (is_maker) sharing->maker = NodeId();
    const bool had_it = std::ranges::find(sharing->places, node) != sharing->places.end();
    // One of which a copy is being made is lost when that has failed.
    if (!is_maker && (!had_it || entry.state() == ObjectState::kCreated)) continue;
    std::erase(sharing->places, node);
    if (!sharing->places.empty()) continue;
    if (entry.IsElsewhere()) entry.MoveTo(ExpectedObject());
    if (entry.state() == ObjectState::kExpected) lost.push_back(id);
  }
  std::sort(lost.begin(), lost.end());
  return lost;
}

}  // namespace rayx::plasma
