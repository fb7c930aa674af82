#include "daemon/object_service.h"

#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {
namespace {

// Values of protocol::Outcome equal those of StatusCode by its comment; this is where it is relied
// upon.
static_assert(static_cast<int>(protocol::Outcome::StoreFull) ==
              static_cast<int>(StatusCode::kStoreFull));
static_assert(static_cast<int>(protocol::Outcome::Unavailable) != 0);
protocol::Outcome ToOutcome(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return protocol::Outcome::Ok;
    case StatusCode::kStoreFull:
      return protocol::Outcome::StoreFull;
    case StatusCode::kAlreadyExists:
      return protocol::Outcome::AlreadyExists;
    case StatusCode::kNotFound:
      return protocol::Outcome::NotFound;
    case StatusCode::kIoError:
      return protocol::Outcome::IoError;
    default:
      return protocol::Outcome::InvalidArgument;
  }
}

}  // namespace

flatbuffers::Offset<protocol::ObjectValue> WriteObjectValue(flatbuffers::FlatBufferBuilder& builder,
                                                            const ObjectId& id,
                                                            const plasma::ObjectLocation& location,
                                                            bool pinned) {
  if (!location.is_inline) {
    return protocol::CreateObjectValue(builder, ToWire(id), 0, location.offset, location.size,
                                       pinned);
  }
  // The object layout wants its start aligned to 8 bytes.
  builder.ForceVectorAlignment(location.data.size(), 1, 8);
  const auto data = builder.CreateVector(location.data.data(), location.data.size());
  return protocol::CreateObjectValue(builder, ToWire(id), data, 0, location.data.size(), false);
}

ObjectService::ObjectService(SessionTable* sessions, MessageWriter* writer, uint64_t pool_bytes,
                             ScopedFd pool, ScopedFd pool_read_only, Events events)
    : sessions_(sessions),
      writer_(writer),
      pool_bytes_(pool_bytes),
      pool_(std::move(pool)),
      pool_read_only_(std::move(pool_read_only)),
      events_(std::move(events)),
      store_(pool_bytes) {}

Result<ScopedFd> ObjectService::DuplicateReadOnlyPool() const {
  return DuplicateFd(pool_read_only_.get());
}

Status ObjectService::OnPut(Session& session, const protocol::PutObject& message) {
  const auto data = BytesOf(message.data());
  if (data.size() > limits::kInlineObjectBytesMax) {
    return Status::ProtocolError("PutObject of " + std::to_string(data.size()) + " bytes");
  }
  const Status put =
      store_.PutInline(session.id, FromWire(*message.id()), data, FromWire(message.contained()));
  // The first value of an id wins; a second one (of a task that ran twice) is no mistake of the
  // peer.
  return put.code() == StatusCode::kAlreadyExists ? Status::Ok() : put;
}

Status ObjectService::OnCreate(Session& session, const protocol::CreateObject& message) {
  const ObjectId id = FromWire(*message.id());
  Result<uint64_t> offset = Create(session, id, message.size());
  if (message.again()) {
    session.has_writable_pool = false;
    if (session.ready_rooms != nullptr) session.ready_rooms->OnMemoryLost();
  }
  Memory memory;
  if (offset.ok()) {
    Result<Memory> passed = MemoryFor(session);
    if (passed.ok()) {
      memory = std::move(*passed);
    } else {
      // No descriptors left here; with the next value they are tried again.
      RAYX_RETURN_IF_ERROR(store_.Abort(session.id, id));
      offset = Status::IoError("the node cannot pass its memory on (" + passed.status().message() +
                               "). Raise its limit of open files (ulimit -n before rayx.init), or "
                               "end actors that are not needed, and try again.");
    }
  }
  writer_->Send(
      *session.connection, protocol::MessageType::ObjectCreated,
      [&](flatbuffers::FlatBufferBuilder& builder) {
        const auto text = builder.CreateString(offset.ok() ? "" : offset.status().message());
        return protocol::CreateObjectCreated(builder, message.request(), ToOutcome(offset.status()),
                                             text, offset.ok() ? offset.value() : 0,
                                             memory.has_pool, memory.has_rooms);
      },
      std::move(memory.fds));
  return Status::Ok();
}

Result<uint64_t> ObjectService::Create(Session& session, const ObjectId& id, uint64_t size_bytes) {
  Result<uint64_t> offset = store_.Create(session.id, id, size_bytes);
  if (offset.status().code() == StatusCode::kStoreFull && TakeBackReadyRooms()) {
    offset = store_.Create(session.id, id, size_bytes);
  }
  if (!offset.ok()) return offset;
  if (session.ready_rooms == nullptr) {
    session.ready_rooms = std::make_unique<ReadyRooms>(session.id, &store_);
  }
  session.ready_rooms->OnCreate(size_bytes);
  return offset;
}

bool ObjectService::TakeBackReadyRooms() {
  bool any = false;
  for (const auto& [id, session] : sessions_->all()) {
    if (session->ready_rooms != nullptr) any |= session->ready_rooms->TakeBack();
  }
  return any;
}

Result<ObjectService::Memory> ObjectService::MemoryFor(Session& session) {
  Memory memory;
  if (!session.has_writable_pool) {
    Result<ScopedFd> pool = DuplicateFd(pool_.get());
    if (!pool.ok()) return pool.status();
    memory.fds.push_back(std::move(*pool));
    memory.has_pool = session.has_writable_pool = true;
  }
  Result<ScopedFd> rooms = session.ready_rooms->TakeMemory();
  // If there is no descriptor now, it goes with a later answer; until then the client asks for each
  // room.
  memory.has_rooms = rooms.ok() && rooms->valid();
  if (memory.has_rooms) memory.fds.push_back(std::move(*rooms));
  return memory;
}

Status ObjectService::OnPutInRoom(Session& session, const protocol::PutInRoom& message) {
  const plasma::Extent value{message.offset(), message.size()};
  const Status put = store_.PutReserved(session.id, FromWire(*message.id()), value,
                                        FromWire(message.contained()), message.keeps_reference());
  if (session.ready_rooms != nullptr) session.ready_rooms->OnPut(value.offset);
  // As OnPut.
  return put.code() == StatusCode::kAlreadyExists ? Status::Ok() : put;
}

void ObjectService::OnSessionClosed(Session& session) {
  // Before the store does: what the client no longer can take, it will not write to, however late
  // it learns that it is not connected any more.
  if (session.ready_rooms != nullptr) (void)session.ready_rooms->TakeBack();
  store_.OnClientGone(session.id);
}

Status ObjectService::OnSeal(Session& session, const protocol::SealObject& message) {
  const Status sealed =
      store_.Seal(session.id, FromWire(*message.id()), FromWire(message.contained()));
  // Another value was stored under the id meanwhile; the first one wins, and the room went back.
  return sealed.code() == StatusCode::kAlreadyExists ? Status::Ok() : sealed;
}

Status ObjectService::OnAbort(Session& session, const protocol::AbortObject& message) {
  return store_.Abort(session.id, FromWire(*message.id()));
}

Status ObjectService::OnGet(Session& session, const protocol::GetObjects& message) {
  for (const protocol::Id20* id : *message.ids()) {
    store_.Get(session.id, FromWire(*id), message.pin());
  }
  if (message.fence() != 0) {
    // One with deliveries is in the list already.
    if (session.deliveries.empty() && session.fence == 0) sessions_->KeepDelivering(session);
    session.fence = message.fence();
  }
  return Status::Ok();
}

Status ObjectService::OnRelease(Session& session, const protocol::ReleaseObjects& message) {
  if (message.unpinned() != nullptr) {
    for (const protocol::Id20* id : *message.unpinned()) {
      RAYX_RETURN_IF_ERROR(store_.Unpin(session.id, FromWire(*id)));
    }
  }
  if (message.unreferenced() != nullptr) {
    for (const protocol::Id20* id : *message.unreferenced()) {
      RAYX_RETURN_IF_ERROR(store_.RemoveClientReference(session.id, FromWire(*id)));
    }
  }
  return Status::Ok();
}

Status ObjectService::OnAddReferences(Session& session, const protocol::AddReferences& message) {
  for (const protocol::Id20* id : *message.ids()) {
    store_.AddClientReference(session.id, FromWire(*id));
  }
  return Status::Ok();
}

bool ObjectService::DrainEffects() {
  const std::vector<plasma::Effect> effects = store_.TakeEffects();
  for (const plasma::Effect& effect : effects) {
    if (const auto* sealed = std::get_if<plasma::ObjectSealed>(&effect)) {
      events_.on_sealed(sealed->id);
    } else if (const auto* deleted = std::get_if<plasma::ObjectDeleted>(&effect)) {
      events_.on_deleted(deleted->id);
    } else if (const auto* deliver = std::get_if<plasma::DeliverObject>(&effect)) {
      if (Session* session = sessions_->Find(deliver->client)) {
        session->deliveries.push_back(*deliver);
        sessions_->MarkDelivering(*session);
      }
    }
  }
  return !effects.empty();
}

void ObjectService::SendDeliveries() {
  for (Session* session : sessions_->TakeDelivering()) {
    while ((!session->deliveries.empty() || session->fence != 0) &&
           session->connection->backlog_bytes() < limits::kPeerBacklogBytesSoft) {
      SendBatch(*session);
    }
    // The rest waits for the peer to read; its progress wakes the loop.
    if (!session->deliveries.empty() || session->fence != 0) sessions_->KeepDelivering(*session);
  }
}

void ObjectService::SendBatch(Session& session) {
  writer_->Send(
      *session.connection, protocol::MessageType::ObjectsReady,
      [&](flatbuffers::FlatBufferBuilder& builder) {
        std::vector<flatbuffers::Offset<protocol::ObjectValue>> values;
        while (!session.deliveries.empty() && builder.GetSize() < limits::kInlineBatchBytesMax) {
          const plasma::DeliverObject deliver = session.deliveries.front();
          session.deliveries.pop_front();
          // Gone already if the peer gave up its reference in the meantime.
          const auto location = store_.Find(deliver.id);
          if (!location) continue;
          values.push_back(WriteObjectValue(builder, deliver.id, *location,
                                            deliver.pin && !location->is_inline));
        }
        const uint64_t fence = session.deliveries.empty() ? std::exchange(session.fence, 0) : 0;
        return protocol::CreateObjectsReady(builder, builder.CreateVector(values), fence);
      });
}

}  // namespace rayx::daemon
