// ObjectStore: memory that is reserved before there is an object for it.
#include <utility>

#include "common/base/check.h"
#include "plasma/object_store.h"

namespace rayx::plasma {

std::optional<uint64_t> ObjectStore::Reserve(ClientId client, uint64_t size) {
  RAYX_CHECK(!client.IsNil() && size > 0);
  const std::optional<Arena::Allocation> reservation = arena_.Allocate(size);
  if (!reservation) return std::nullopt;
  // Whole: it may be used by an object of any of the sizes that are rounded up to this one.
  reserved_.Add(client, Extent{reservation->offset, reservation->size_bytes});
  return reservation->offset;
}

Status ObjectStore::GiveBack(ClientId client, uint64_t offset) {
  const std::optional<Extent> reservation = reserved_.Take(client, offset);
  if (!reservation) return NotReservedFor(client, offset);
  arena_.Free(offset);
  return Status::Ok();
}

Status ObjectStore::PutReserved(ClientId creator, const ObjectId& id, Extent value,
                                std::span<const ObjectId> contained, bool keep_reference) {
  const std::optional<Extent> reservation = reserved_.Take(creator, value.offset);
  if (!reservation) return NotReservedFor(creator, value.offset);
  if (value.size_bytes == 0 || value.size_bytes > reservation->size_bytes) {
    arena_.Free(value.offset);
    return Status::InvalidArgument("an object of " + std::to_string(value.size_bytes) +
                                   " bytes in a reservation of " +
                                   std::to_string(reservation->size_bytes));
  }
  const Result<Object*> object = ObjectToPut(creator, id, keep_reference);
  if (!object.ok() || *object == nullptr) {
    arena_.Free(value.offset);
    return object.status();
  }
  SealedObject sealed;
  sealed.extent = value;
  SealWith(**object, std::move(sealed), contained);
  return Status::Ok();
}

Status ObjectStore::NotReservedFor(ClientId client, uint64_t offset) {
  return Status::NotFound("nothing at " + std::to_string(offset) + " is reserved for client " +
                          client.ToString());
}

void ObjectStore::GiveBackAllOf(ClientId client) {
  for (const Extent& reservation : reserved_.TakeAllOf(client)) arena_.Free(reservation.offset);
}

}  // namespace rayx::plasma
