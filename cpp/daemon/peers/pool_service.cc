#include "daemon/peers/pool_service.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/protocol/wire_ids.h"

namespace rayx::daemon {
namespace {

// The schema says that the values of protocol::Outcome equal those of StatusCode.
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

void PoolService::Serve(ScopedFd pool, ScopedFd pool_read_only) {
  pool_ = std::move(pool);
  pool_read_only_ = std::move(pool_read_only);
}

Result<ScopedFd> PoolService::DuplicateReadOnlyPool() const {
  return DuplicateFd(pool_read_only_.get());
}

// Not by a mapping: a write into memory that was never touched is faster than a fault on it
// (benchmarks), and fails with an error rather than a signal if there is none left.
Status PoolService::ReadAt(uint64_t offset, std::span<uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t done =
        ::pread(pool_read_only_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done <= 0) return Status::FromErrno("the pool cannot be read", errno);
    bytes = bytes.subspan(static_cast<size_t>(done));
    offset += static_cast<uint64_t>(done);
  }
  return Status::Ok();
}

Status PoolService::WriteAt(uint64_t offset, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t done =
        ::pwrite(pool_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done <= 0) return Status::FromErrno("the pool cannot be written", errno);
    bytes = bytes.subspan(static_cast<size_t>(done));
    offset += static_cast<uint64_t>(done);
  }
  return Status::Ok();
}

Status PoolService::OnCreate(ConnectedPeer& peer, const protocol::CreateObject& message) {
  const ObjectId id = FromWire(*message.id());
  PoolUse* use = PoolUseOf(peer);
  if (use == nullptr) return Status::ProtocolError("CreateObject of a peer without the pool");
  Result<uint64_t> offset = Create(peer, use, id, message.size());
  if (message.again()) {
    use->has_writable_pool = false;
    if (use->reservations != nullptr) use->reservations->OnMemoryLost();
  }
  Memory memory;
  if (offset.ok()) {
    Result<Memory> passed = MemoryFor(use);
    if (passed.ok()) {
      memory = std::move(*passed);
    } else {
      // The node has no descriptors left; with the client's next value it tries again.
      RAYX_RETURN_IF_ERROR(core_->objects().OnAbort(peer, id));
      offset = Status::IoError("the node cannot pass its memory on (" + passed.status().message() +
                               "). Raise its limit of open files (ulimit -n before rayx.init), or "
                               "end actors that are not needed, and try again.");
    }
  }
  writer_->Send(
      *peer.connection, protocol::MessageType::ObjectCreated,
      [&](flatbuffers::FlatBufferBuilder& builder) {
        const auto text = builder.CreateString(offset.ok() ? "" : offset.status().message());
        return protocol::CreateObjectCreated(builder, message.request(), ToOutcome(offset.status()),
                                             text, offset.ok() ? offset.value() : 0,
                                             memory.has_pool, memory.has_reservations);
      },
      std::move(memory.fds));
  return Status::Ok();
}

Result<uint64_t> PoolService::Create(ConnectedPeer& peer, PoolUse* use, const ObjectId& id,
                                     uint64_t size_bytes) {
  Result<uint64_t> offset = core_->objects().Create(peer, id, size_bytes);
  if (!offset.ok()) return offset;
  if (use->reservations == nullptr) {
    use->reservations = std::make_unique<ClientReservations>(peer.id, &core_->store());
  }
  use->reservations->OnCreate(size_bytes);
  return offset;
}

bool PoolService::TakeBack() {
  bool any = false;
  for (const auto& [id, peer] : peers_->all()) {
    const PoolUse* use = PoolUseOf(*peer);
    if (use != nullptr && use->reservations != nullptr) any |= use->reservations->TakeBack();
  }
  return any;
}

Result<PoolService::Memory> PoolService::MemoryFor(PoolUse* use) {
  Memory memory;
  if (!use->has_writable_pool) {
    Result<ScopedFd> pool = DuplicateFd(pool_.get());
    if (!pool.ok()) return pool.status();
    memory.fds.push_back(std::move(*pool));
    memory.has_pool = use->has_writable_pool = true;
  }
  Result<ScopedFd> words = use->reservations->TakeMemory();
  // If the node has no descriptor left now, it goes with a later answer; until then the client asks
  // for the memory of each value.
  memory.has_reservations = words.ok() && words->valid();
  if (memory.has_reservations) memory.fds.push_back(std::move(*words));
  return memory;
}

void PoolService::OnPutReserved(ConnectedPeer& peer, uint64_t offset) {
  const PoolUse* use = PoolUseOf(peer);
  if (use != nullptr && use->reservations != nullptr) use->reservations->OnPut(offset);
}

void PoolService::OnPeerClosed(ConnectedPeer& peer) {
  const PoolUse* use = PoolUseOf(peer);
  if (use != nullptr && use->reservations != nullptr) (void)use->reservations->TakeBack();
}

}  // namespace rayx::daemon
