// ObjectStore: rooms that are reserved before there is an object for them.
#include <utility>

#include "common/base/check.h"
#include "plasma/object_store.h"

namespace rayx::plasma {

std::optional<uint64_t> ObjectStore::Reserve(ClientId client, uint64_t size) {
  RAYX_CHECK(!client.IsNil() && size > 0);
  const std::optional<Arena::Allocation> room = arena_.Allocate(size);
  if (!room) return std::nullopt;
  // Whole: it may be used by an object of any of the sizes that are rounded up to this one.
  reserved_.Add(client, Extent{room->offset, room->size_bytes});
  return room->offset;
}

Status ObjectStore::GiveBack(ClientId client, uint64_t offset) {
  const std::optional<Extent> room = reserved_.Take(client, offset);
  if (!room) return NotReservedFor(client, offset);
  arena_.Free(offset);
  return Status::Ok();
}

Status ObjectStore::PutReserved(ClientId creator, const ObjectId& id, Extent value,
                                std::span<const ObjectId> contained, bool keep_reference) {
  const std::optional<Extent> room = reserved_.Take(creator, value.offset);
  if (!room) return NotReservedFor(creator, value.offset);
  if (value.size_bytes == 0 || value.size_bytes > room->size_bytes) {
    arena_.Free(value.offset);
    return Status::InvalidArgument("an object of " + std::to_string(value.size_bytes) +
                                   " bytes in a room of " + std::to_string(room->size_bytes));
  }
  const Result<Object*> object = ObjectToPut(creator, id, keep_reference);
  if (!object.ok() || *object == nullptr) {
    arena_.Free(value.offset);
    return object.status();
  }
  SealedObject sealed;
  sealed.room = value;
  SealWith(**object, std::move(sealed), contained);
  return Status::Ok();
}

Status ObjectStore::NotReservedFor(ClientId client, uint64_t offset) {
  return Status::NotFound("no room at " + std::to_string(offset) + " is reserved for client " +
                          client.ToString());
}

void ObjectStore::GiveBackAllOf(ClientId client) {
  for (const Extent& room : reserved_.TakeAllOf(client)) arena_.Free(room.offset);
}

}  // namespace rayx::plasma
