#include "common/shm/room_words.h"

#include <new>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace rayx {
namespace {

static_assert(std::atomic<uint64_t>::is_always_lock_free, "shared between processes");
static_assert(sizeof(std::atomic<uint64_t>) == sizeof(uint64_t));

constexpr uint64_t kUnit = 64;
static_assert(limits::kObjectAlignment == kUnit, "rooms begin and end at multiples of it");
constexpr int kSizeBits = 20;
static_assert(RoomWords::kRoomBytesEnd == kUnit << kSizeBits);
constexpr uint64_t kRoomMemoryBytes = RoomWords::kRooms * sizeof(uint64_t);

uint64_t PackRoom(RoomWords::Room room) {
  return (room.offset / kUnit) << kSizeBits | room.size_bytes / kUnit;
}

RoomWords::Room UnpackRoom(uint64_t word) {
  return {(word >> kSizeBits) * kUnit, (word & ((uint64_t{1} << kSizeBits) - 1)) * kUnit};
}

}  // namespace

RoomWords::RoomWords(ScopedFd fd, SharedMapping mapping)
    : fd_(std::move(fd)), mapping_(std::move(mapping)) {}

Result<RoomWords> RoomWords::Create() {
  Result<ScopedFd> fd = CreateSharedMemory("rayx-rooms", kRoomMemoryBytes);
  if (!fd.ok()) return fd.status();
  Result<SharedMapping> mapping = SharedMapping::Map(fd->get(), kRoomMemoryBytes, true);
  if (!mapping.ok()) return mapping.status();
  return RoomWords(std::move(*fd), std::move(*mapping));
}

Result<RoomWords> RoomWords::Map(int fd) {
  Result<SharedMapping> mapping = SharedMapping::Map(fd, kRoomMemoryBytes, true);
  if (!mapping.ok()) return mapping.status();
  return RoomWords(ScopedFd(), std::move(*mapping));
}

std::atomic<uint64_t>& RoomWords::word(size_t index) const {
  uint8_t* const at = mapping_.data() + index * sizeof(uint64_t);
  return *std::launder(reinterpret_cast<std::atomic<uint64_t>*>(at));
}

void RoomWords::Offer(size_t index, Room room) {
  RAYX_CHECK(index < kRooms && room.offset % kUnit == 0 && room.size_bytes % kUnit == 0);
  RAYX_CHECK(room.size_bytes > 0 && room.size_bytes < kRoomBytesEnd);
  word(index).store(PackRoom(room), std::memory_order_release);
}

bool RoomWords::TakeBack(size_t index, Room room) {
  RAYX_CHECK(index < kRooms);
  uint64_t offered = PackRoom(room);
  return word(index).compare_exchange_strong(offered, 0, std::memory_order_acq_rel);
}

std::optional<RoomWords::Room> RoomWords::Take(uint64_t size_bytes) {
  if (size_bytes >= kRoomBytesEnd) return std::nullopt;
  for (size_t index = 0; index < kRooms; ++index) {
    uint64_t seen = word(index).load(std::memory_order_acquire);
    if (seen == 0 || UnpackRoom(seen).size_bytes != RoomBytes(size_bytes)) continue;
    // Taken back, or by another thread, meanwhile: then the next one.
    if (word(index).compare_exchange_strong(seen, 0, std::memory_order_acq_rel)) {
      return UnpackRoom(seen);
    }
  }
  return std::nullopt;
}

}  // namespace rayx
