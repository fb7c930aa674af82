#include "daemon/peers/client_reservations.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"

namespace rayx::daemon {
namespace {

static_assert(limits::kReservationBytesMax < ReservationWords::kBytesEnd);

// How many reservations a client that stores values of that size may have.
size_t ReservationsFor(uint64_t reserved_bytes, uint64_t pool_bytes) {
  if (reserved_bytes > limits::kReservationBytesMax) return 0;
  const uint64_t bytes =
      std::min<uint64_t>(limits::kReadyBytesMax, pool_bytes / limits::kReadyPoolShare);
  return std::min<size_t>(ReservationWords::kReservations, bytes / reserved_bytes);
}

}  // namespace

void ClientReservations::OnCreate(uint64_t size_bytes) {
  const bool possible = size_bytes > 0 && size_bytes <= limits::kReservationBytesMax;
  const uint64_t reserved_bytes = possible ? ReservationWords::ReservedBytes(size_bytes) : 0;
  if (reserved_bytes != reserved_bytes_) {
    (void)TakeBack();
    reserved_bytes_ = reserved_bytes;
    count_ = 0;
    return;
  }
  if (reserved_bytes == 0) return;
  count_ = ReservationsFor(reserved_bytes, store_->Stats().pool_bytes);
  Refill();
}

Result<ScopedFd> ClientReservations::TakeMemory() {
  if (!words_ || memory_passed_) return ScopedFd();
  Result<ScopedFd> memory = DuplicateFd(words_->fd());
  memory_passed_ = memory.ok();
  return memory;
}

void ClientReservations::OnPut(uint64_t offset) {
  for (std::optional<ReservationWords::Reservation>& reservation : offered_) {
    if (reservation && reservation->offset == offset) reservation.reset();
  }
  Refill();
}

bool ClientReservations::TakeBack() {
  bool any = false;
  for (size_t word = 0; word < offered_.size(); ++word) {
    std::optional<ReservationWords::Reservation>& reservation = offered_[word];
    if (!reservation || !words_->TakeBack(word, *reservation)) continue;
    // NotFound: the client is gone, and the store has taken it back.
    (void)store_->GiveBack(client_, reservation->offset);
    reservation.reset();
    any = true;
  }
  return any;
}

void ClientReservations::Refill() {
  if (count_ == 0) return;
  if (!words_) {
    Result<ReservationWords> words = ReservationWords::Create();
    if (!words.ok()) {
      // Then the client asks each time.
      LogWarning("nothing is reserved for a client: " + words.status().message());
      return;
    }
    words_ = std::move(*words);
  }
  for (size_t word = 0; word < count_; ++word) {
    if (offered_[word]) continue;
    const std::optional<uint64_t> offset = store_->Reserve(client_, reserved_bytes_);
    if (!offset) return;
    offered_[word] = ReservationWords::Reservation{*offset, reserved_bytes_};
    words_->Offer(word, *offered_[word]);
  }
}

}  // namespace rayx::daemon
