#include "daemon/peers/ready_rooms.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"

namespace rayx::daemon {
namespace {

static_assert(limits::kReadyRoomBytesMax < RoomWords::kRoomBytesEnd);

// For a client that stores values of that size.
size_t RoomsFor(uint64_t room_bytes, uint64_t pool_bytes) {
  if (room_bytes > limits::kReadyRoomBytesMax) return 0;
  const uint64_t bytes =
      std::min<uint64_t>(limits::kReadyBytesMax, pool_bytes / limits::kReadyPoolShare);
  return std::min<size_t>(RoomWords::kRooms, bytes / room_bytes);
}

}  // namespace

void ReadyRooms::OnCreate(uint64_t size_bytes) {
  const bool possible = size_bytes > 0 && size_bytes <= limits::kReadyRoomBytesMax;
  const uint64_t room_bytes = possible ? RoomWords::RoomBytes(size_bytes) : 0;
  if (room_bytes != room_bytes_) {
    (void)TakeBack();
    room_bytes_ = room_bytes;
    rooms_ = 0;
    return;
  }
  if (room_bytes == 0) return;
  rooms_ = RoomsFor(room_bytes, store_->Stats().pool_bytes);
  Refill();
}

Result<ScopedFd> ReadyRooms::TakeMemory() {
  if (!words_ || memory_passed_) return ScopedFd();
  Result<ScopedFd> memory = DuplicateFd(words_->fd());
  memory_passed_ = memory.ok();
  return memory;
}

void ReadyRooms::OnPut(uint64_t offset) {
  for (std::optional<RoomWords::Room>& room : offered_) {
    if (room && room->offset == offset) room.reset();
  }
  Refill();
}

bool ReadyRooms::TakeBack() {
  bool any = false;
  for (size_t word = 0; word < offered_.size(); ++word) {
    std::optional<RoomWords::Room>& room = offered_[word];
    if (!room || !words_->TakeBack(word, *room)) continue;
    // NotFound: the client is gone, and the store has taken it back.
    (void)store_->GiveBack(client_, room->offset);
    room.reset();
    any = true;
  }
  return any;
}

void ReadyRooms::Refill() {
  if (rooms_ == 0) return;
  if (!words_) {
    Result<RoomWords> words = RoomWords::Create();
    if (!words.ok()) {
      // It asks for each room, then.
      LogWarning("no rooms are held ready for a client: " + words.status().message());
      return;
    }
    words_ = std::move(*words);
  }
  for (size_t word = 0; word < rooms_; ++word) {
    if (offered_[word]) continue;
    const std::optional<uint64_t> offset = store_->Reserve(client_, room_bytes_);
    if (!offset) return;
    offered_[word] = RoomWords::Room{*offset, room_bytes_};
    words_->Offer(word, *offered_[word]);
  }
}

}  // namespace rayx::daemon
