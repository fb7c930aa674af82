#include "client/objects/object_access.h"

#include <algorithm>
#include <string>
#include <utility>

#include "client/connection/message.h"
#include "client/link/outcome.h"
#include "client/memory/object_memory.h"
#include "common/base/limits.h"
#include "common/os/clock.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;

// Values of small objects kept for later Gets. A driver with 100,000 results of some hundred bytes
// stays below.
constexpr size_t kKeptBytesMax = 64u << 20;

template <typename Message>
Status SendMessage(NodeLink* link, flatbuffers::FlatBufferBuilder* builder, MessageType type,
                   flatbuffers::Offset<Message> message) {
  builder->Finish(message);
  return link->Send(static_cast<uint16_t>(type), MessageBytes(*builder));
}

flatbuffers::Offset<flatbuffers::Vector<const protocol::Id20*>> EncodeIdsIn(
    flatbuffers::FlatBufferBuilder* builder, const ObjectPieces& value) {
  if (value.contained.empty()) return {};
  return ToWire(*builder, value.contained);
}

Status OutsidePool() { return Status::ProtocolError("the node gave memory outside its pool"); }

}  // namespace

ObjectAccess::ObjectAccess(NodeLink* link, std::shared_ptr<ReferenceQueue> references,
                           PoolReader pool)
    : link_(link),
      loan_(link),
      references_(std::move(references)),
      pool_(std::move(pool)),
      cache_(kKeptBytesMax) {}

void ObjectAccess::Close() {
  const NodeLink::Lock lock = link_->LockState();
  writable_pool_.CloseFile();
  pool_.CloseFile();
}

// --- put ---

Status ObjectAccess::Put(const ObjectId& id, const ObjectPieces& value) {
  const ObjectPlan plan = PlanObject(value);
  if (plan.total_bytes() <= limits::kInlineObjectBytesMax) {
    return PutSmall(id, plan, value, Sending::kHeld);
  }
  return PutLarge(id, plan, value, Sending::kAtOnce);
}

Status ObjectAccess::PutSmall(const ObjectId& id, const ObjectPlan& plan, const ObjectPieces& value,
                              Sending sending) {
  const size_t size_bytes = plan.total_bytes();
  OwnedMemory memory = AllocateObject(size_bytes, !value.buffers.empty());
  WriteObject(plan, value, memory.data);
  const ObjectView view(std::move(memory.owner), {memory.data, size_bytes});

  flatbuffers::FlatBufferBuilder builder(size_bytes + 256 +
                                         value.contained.size() * ObjectId::kSize);
  builder.ForceVectorAlignment(size_bytes, 1, sizeof(uint64_t));
  const auto data = builder.CreateVector(view.bytes().data(), size_bytes);
  const auto contained = EncodeIdsIn(&builder, value);
  RAYX_RETURN_IF_ERROR(SendOrHold(&builder, MessageType::PutObject,
                                  protocol::CreatePutObject(builder, ToWire(id), data, contained),
                                  sending));
  const NodeLink::Lock lock = link_->LockState();
  cache_.AddOwn(id, view);
  if (!value.contained.empty()) cache_.TellAtOnce(id);
  return Status::Ok();
}

Status ObjectAccess::PutLarge(const ObjectId& id, const ObjectPlan& plan, const ObjectPieces& value,
                              Sending sending, bool keep_reference) {
  if (const std::optional<ReservationWords::Reservation> reservation =
          TakeReservation(plan.total_bytes())) {
    return PutReserved(id, plan, value, reservation->offset, sending, keep_reference);
  }
  const Result<uint8_t*> memory = Create(id, plan.total_bytes());
  if (!memory.ok()) return memory.status();
  WriteObject(plan, value, writable_pool_, *memory);
  // This goes out in one write with the seal, and before it: when other processes can have the
  // value, the node does not count us any more.
  if (!keep_reference) references_->Drop(id);
  flatbuffers::FlatBufferBuilder builder(256);
  const auto contained = EncodeIdsIn(&builder, value);
  RAYX_RETURN_IF_ERROR(SendOrHold(&builder, MessageType::SealObject,
                                  protocol::CreateSealObject(builder, ToWire(id), contained),
                                  sending));
  if (!keep_reference) return Status::Ok();
  const NodeLink::Lock lock = link_->LockState();
  cache_.AddSealed(id);
  return Status::Ok();
}

std::optional<ReservationWords::Reservation> ObjectAccess::TakeReservation(uint64_t size_bytes) {
  const NodeLink::Lock lock = link_->LockState();
  return reservations_ ? reservations_->Take(size_bytes) : std::nullopt;
}

Status ObjectAccess::PutReserved(const ObjectId& id, const ObjectPlan& plan,
                                 const ObjectPieces& value, uint64_t offset, Sending sending,
                                 bool keep_reference) {
  const uint64_t size_bytes = plan.total_bytes();
  uint8_t* const memory = writable_pool_.At(offset, size_bytes);
  if (memory == nullptr) return OutsidePool();
  WriteObject(plan, value, writable_pool_, memory);
  flatbuffers::FlatBufferBuilder builder(256);
  const auto contained = EncodeIdsIn(&builder, value);
  RAYX_RETURN_IF_ERROR(
      SendOrHold(&builder, MessageType::PutReserved,
                 protocol::CreatePutReserved(builder, ToWire(id), offset, size_bytes, contained,
                                             keep_reference),
                 sending));
  if (!keep_reference) return Status::Ok();
  const NodeLink::Lock lock = link_->LockState();
  cache_.AddSealed(id);
  return Status::Ok();
}

template <typename Message>
Status ObjectAccess::SendOrHold(flatbuffers::FlatBufferBuilder* builder, MessageType type,
                                flatbuffers::Offset<Message> message, Sending sending) {
  builder->Finish(message);
  const auto number = static_cast<uint16_t>(type);
  return sending == Sending::kHeld ? link_->Hold(number, MessageBytes(*builder))
                                   : link_->Send(number, MessageBytes(*builder));
}

Result<uint8_t*> ObjectAccess::Create(const ObjectId& id, uint64_t size_bytes) {
  const uint64_t request = next_request_.fetch_add(1);
  bool again = false;
  {
    const NodeLink::Lock lock = link_->LockState();
    created_.Expect(request);
    again = !memory_lost_.ok();
  }
  flatbuffers::FlatBufferBuilder builder(256);
  Status status =
      SendMessage(link_, &builder, MessageType::CreateObject,
                  protocol::CreateCreateObject(builder, request, ToWire(id), size_bytes, again));
  NodeLink::Lock lock = link_->LockState();
  // The node answers at once. To return at a signal would leave memory behind that no thread seals,
  // under an id in use.
  do {
    if (!status.ok() && status.code() != StatusCode::kInterrupted) break;
    status = link_->Wait(&lock, Deadline(), -1, [&] { return created_.arrived(request); });
  } while (status.code() == StatusCode::kInterrupted);
  const std::shared_ptr<const MessageCopy> reply = created_.Leave(request);
  if (!status.ok()) return status;
  // It was verified when it came.
  const auto* message = flatbuffers::GetRoot<protocol::ObjectCreated>(reply->bytes().data());
  RAYX_RETURN_IF_ERROR(FromWire(message->outcome(), message->message()));
  if (const Status why = memory_lost_; !writable_pool_.valid() && !why.ok()) {
    lock.unlock();
    RAYX_RETURN_IF_ERROR(Abort(id));
    return why;
  }
  uint8_t* const memory = writable_pool_.At(message->offset(), size_bytes);
  if (memory == nullptr) return OutsidePool();
  return memory;
}

Status ObjectAccess::Abort(const ObjectId& id) {
  flatbuffers::FlatBufferBuilder builder(64);
  return SendMessage(link_, &builder, MessageType::AbortObject,
                     protocol::CreateAbortObject(builder, ToWire(id)));
}

// --- get ---

Result<std::vector<ObjectView>> ObjectAccess::Get(std::span<const ObjectId> ids, int64_t timeout_ms,
                                                  bool in_task, Looker* looker) {
  Collection collection{ids, std::vector<ObjectView>(ids.size())};
  NodeLink::Lock lock = link_->LockState();
  if (Advance(&collection)) return std::move(collection.views);

  const std::span<const ObjectId> missing = ids.subspan(collection.next);
  std::vector<ObjectId> ask;
  for (const ObjectId& id : missing) {
    if (cache_.Want(id)) ask.push_back(id);
  }
  Status status;
  if (!ask.empty() && timeout_ms == 0) {
    status = AskForNow(&lock, ask, /*pin=*/true);
  } else if (!ask.empty()) {
    lock.unlock();
    status = AskFor(ask, /*pin=*/true);
    lock.lock();
  }
  if (status.ok()) {
    status =
        Collect(&lock, &collection, Deadline::After(timeout_ms), in_task, {looker, MonotonicMs()});
  }
  if (status.code() == StatusCode::kForked) return status;
  if (status.code() == StatusCode::kTimedOut) status = Status::TimedOut(MissingText(ids));
  bool urgent = false;
  const bool keep = status.code() == StatusCode::kInterrupted;
  for (const ObjectId& id : missing) urgent |= Tell(id, cache_.Settle(id, keep));
  lock.unlock();
  if (urgent) references_->Nudge(true);
  if (!status.ok()) return status;
  return std::move(collection.views);
}

bool ObjectAccess::Advance(Collection* collection) {
  size_t& next = collection->next;
  while (next < collection->ids.size() &&
         cache_.Take(collection->ids[next], &collection->views[next])) {
    ++next;
  }
  return next == collection->ids.size();
}

Status ObjectAccess::Collect(NodeLink::Lock* lock, Collection* collection, const Deadline& deadline,
                             bool in_task, const Looking& looking) {
  while (true) {
    if (Advance(collection)) return Status::Ok();
    RAYX_RETURN_IF_ERROR(AskToPin(lock));
    RAYX_RETURN_IF_ERROR(Sleep(lock, deadline, in_task, looking, [this, collection] {
      return Advance(collection) || cache_.has_to_pin();
    }));
  }
}

Status ObjectAccess::AskToPin(NodeLink::Lock* lock) {
  if (!cache_.has_to_pin()) return Status::Ok();
  const std::vector<ObjectId> ids = cache_.TakeToPin();
  lock->unlock();
  const Status status = AskFor(ids, /*pin=*/true);
  lock->lock();
  for (const ObjectId& id : ids) (void)Tell(id, cache_.Settle(id, /*keep=*/true));
  return status;
}

Status ObjectAccess::AskForNow(NodeLink::Lock* lock, std::span<const ObjectId> ids, bool pin) {
  const uint64_t fence = next_request_.fetch_add(1);
  lock->unlock();
  Status status = AskFor(ids, pin, fence);
  lock->lock();
  if (!status.ok()) return status;
  // The node answers at once. If a signal ended this, the next call would not ask again.
  do {
    status = link_->Wait(lock, Deadline(), NodeLink::kSignalSliceMs,
                         [&] { return fence_passed_ >= fence; });
  } while (status.code() == StatusCode::kInterrupted);
  return status;
}

Status ObjectAccess::AskFor(std::span<const ObjectId> ids, bool pin, uint64_t fence) {
  flatbuffers::FlatBufferBuilder builder;
  while (!ids.empty()) {
    const size_t count = std::min(ids.size(), limits::kIdsPerMessageMax);
    builder.Clear();
    const auto encoded = ToWire(builder, ids.first(count));
    ids = ids.subspan(count);
    const auto message = protocol::CreateGetObjects(builder, encoded, pin, ids.empty() ? fence : 0);
    RAYX_RETURN_IF_ERROR(SendMessage(link_, &builder, MessageType::GetObjects, message));
  }
  return Status::Ok();
}

Status ObjectAccess::Sleep(NodeLink::Lock* lock, const Deadline& deadline, bool in_task,
                           const Looking& looking, const std::function<bool()>& ready) {
  // A call that only looks does not wait.
  if (!in_task || deadline.passed()) return link_->Wait(lock, deadline, looking, ready);
  // To lend the CPUs for what has already arrived would cost more than the wait.
  (void)link_->Poll(lock);
  if (ready()) return Status::Ok();
  lock->unlock();
  const Result<uint64_t> wait = loan_.Lend();
  lock->lock();
  if (!wait.ok()) return wait.status();
  const Status status = link_->Wait(lock, deadline, looking, ready);
  if (status.code() == StatusCode::kForked) return status;
  lock->unlock();
  const Status told = loan_.Return(*wait);
  lock->lock();
  return status.ok() ? told : status;
}

std::string ObjectAccess::MissingText(std::span<const ObjectId> ids) const {
  size_t missing = 0;
  for (const ObjectId& id : ids) missing += cache_.IsAvailable(id) ? 0 : 1;
  return std::to_string(missing) + " of " + std::to_string(ids.size()) +
         " objects were not available in time";
}

// --- wait ---

Result<std::vector<bool>> ObjectAccess::Wait(std::span<const ObjectId> ids, size_t count,
                                             int64_t timeout_ms, bool in_task, Looker* looker) {
  count = std::min(count, ids.size());
  std::vector<bool> available(ids.size());
  NodeLink::Lock lock = link_->LockState();
  // Stops when it has enough: lists are long, and callers often want one.
  const auto look = [&] {
    size_t found = 0;
    for (size_t i = 0; i < ids.size() && found < count; ++i) {
      available[i] = cache_.IsAvailable(ids[i]);
      found += available[i] ? 1 : 0;
    }
    return found;
  };
  size_t found = look();
  if (found >= count) return available;

  ObjectCache::Watch watch;
  std::vector<ObjectId> watched;
  std::vector<ObjectId> ask;
  watched.reserve(ids.size() - found);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (available[i]) continue;
    watched.push_back(ids[i]);
    if (cache_.StartWatch(ids[i], &watch)) ask.push_back(ids[i]);
  }
  Status status;
  if (!ask.empty() && timeout_ms == 0) {
    status = AskForNow(&lock, ask, /*pin=*/false);
  } else if (!ask.empty()) {
    lock.unlock();
    status = AskFor(ask, /*pin=*/false);
    lock.lock();
  }
  // What has been pushed already counts, even without time to wait.
  if (status.ok()) status = link_->Poll(&lock);
  if (status.ok()) {
    status = Sleep(&lock, Deadline::After(timeout_ms), in_task, {looker, MonotonicMs()},
                   [&] { return found + watch.arrived >= count; });
  }
  if (status.code() == StatusCode::kForked) return status;
  look();
  bool urgent = false;
  for (const ObjectId& id : watched) urgent |= Tell(id, cache_.EndWatch(id, &watch));
  lock.unlock();
  if (urgent) references_->Nudge(true);
  if (!status.ok() && status.code() != StatusCode::kTimedOut) return status;
  return available;
}

// --- references ---

bool ObjectAccess::Tell(const ObjectId& id, ObjectCache::Farewell farewell) {
  if (farewell != ObjectCache::Farewell::kNone) references_->Drop(id);
  return farewell == ObjectCache::Farewell::kUrgent;
}

void ObjectAccess::AddResults(std::span<const ObjectId> ids, const ObjectId* actor) {
  const NodeLink::Lock lock = link_->LockState();
  for (const ObjectId& id : ids) cache_.AddResult(id);
  if (actor != nullptr) cache_.TellAtOnce(*actor);
}

void ObjectAccess::AddReference(const ObjectId& id) {
  const NodeLink::Lock lock = link_->LockState();
  AddReferenceLocked(id);
}

void ObjectAccess::AddReferenceLocked(const ObjectId& id) {
  // Queued under the lock, so that additions and drops of one id stay in order.
  if (cache_.AddReference(id)) references_->Add(id);
}

void ObjectAccess::RemoveReference(const ObjectId& id) { RemoveReferences({&id, 1}); }

void ObjectAccess::RemoveReferences(std::span<const ObjectId> ids) {
  bool urgent = false;
  {
    const NodeLink::Lock lock = link_->LockState();
    for (const ObjectId& id : ids) urgent |= Tell(id, cache_.RemoveReference(id));
  }
  references_->Nudge(urgent);
}

bool ObjectAccess::HasReference(const ObjectId& id) const {
  const NodeLink::Lock lock = link_->LockState();
  return cache_.Contains(id);
}

// --- messages ---

Status ObjectAccess::OnObjectsReady(std::span<const uint8_t> payload) {
  const auto* message = VerifiedMessage<protocol::ObjectsReady>(payload);
  if (message == nullptr) return MalformedMessage("ObjectsReady");
  for (const protocol::ObjectValue* value : *message->objects()) {
    const ObjectId id = FromWire(*value->id());
    if (value->data() != nullptr) {
      cache_.OnInline(id, BytesOf(*value->data()));
    } else if (value->pinned()) {
      const Result<ObjectView> view = pool_.Pinned(id, value->offset(), value->size());
      if (!view.ok()) return view.status();
      cache_.OnPinned(id, *view);
    } else {
      cache_.OnInPool(id);
    }
  }
  fence_passed_ = std::max(fence_passed_, message->fence());
  return Status::Ok();
}

Status ObjectAccess::OnObjectCreated(FrameStream* stream, std::span<const uint8_t> payload) {
  const auto* message = VerifiedMessage<protocol::ObjectCreated>(payload);
  if (message == nullptr) return MalformedMessage("ObjectCreated");
  const Status taken = TakeMemory(stream, message->carries_pool(), message->carries_reservations());
  // This process has no descriptors or no memory left: the value cannot be stored now, but perhaps
  // the next.
  if (!taken.ok() && taken.code() != StatusCode::kIoError) return taken;
  if (!taken.ok() || message->carries_pool()) memory_lost_ = taken;
  created_.Deliver(message->request(), payload);
  return Status::Ok();
}

Status ObjectAccess::TakeMemory(FrameStream* stream, bool has_pool, bool has_reservations) {
  if (!has_pool && !has_reservations) return Status::Ok();
  Result<std::vector<ScopedFd>> files =
      stream->TakeFds((has_pool ? 1 : 0) + (has_reservations ? 1 : 0));
  if (!files.ok()) return files.status();
  if (has_reservations) {
    Result<ReservationWords> words = ReservationWords::Map(files->back().get());
    if (!words.ok()) return words.status();
    reservations_ = std::move(*words);
  }
  if (!has_pool || writable_pool_.valid()) return Status::Ok();
  ScopedFd pool = std::move(files->front());
  Result<SharedMapping> mapping = SharedMapping::Map(pool.get(), pool_.pool_bytes(), true);
  if (!mapping.ok()) return mapping.status();
  writable_pool_ = PoolWriter(std::move(*mapping), std::move(pool));
  return Status::Ok();
}

}  // namespace rayx
