#include "common/shm/reservation_words.h"

#include <new>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace rayx {
namespace {

static_assert(std::atomic<uint64_t>::is_always_lock_free, "shared between processes");
static_assert(sizeof(std::atomic<uint64_t>) == sizeof(uint64_t));

constexpr uint64_t kUnit = 64;
static_assert(limits::kObjectAlignment == kUnit, "reservations begin and end at multiples of it");
constexpr int kSizeBits = 20;
static_assert(ReservationWords::kBytesEnd == kUnit << kSizeBits);
constexpr uint64_t kMemoryBytes = ReservationWords::kReservations * sizeof(uint64_t);

uint64_t Pack(ReservationWords::Reservation reservation) {
  return (reservation.offset / kUnit) << kSizeBits | reservation.size_bytes / kUnit;
}

ReservationWords::Reservation Unpack(uint64_t word) {
  return {(word >> kSizeBits) * kUnit, (word & ((uint64_t{1} << kSizeBits) - 1)) * kUnit};
}

}  // namespace

ReservationWords::ReservationWords(ScopedFd fd, SharedMapping mapping)
    : fd_(std::move(fd)), mapping_(std::move(mapping)) {}

Result<ReservationWords> ReservationWords::Create() {
  Result<ScopedFd> fd = CreateSharedMemory("rayx-reservations", kMemoryBytes);
  if (!fd.ok()) return fd.status();
  Result<SharedMapping> mapping = SharedMapping::Map(fd->get(), kMemoryBytes, true);
  if (!mapping.ok()) return mapping.status();
  return ReservationWords(std::move(*fd), std::move(*mapping));
}

Result<ReservationWords> ReservationWords::Map(int fd) {
  Result<SharedMapping> mapping = SharedMapping::Map(fd, kMemoryBytes, true);
  if (!mapping.ok()) return mapping.status();
  return ReservationWords(ScopedFd(), std::move(*mapping));
}

std::atomic<uint64_t>& ReservationWords::word(size_t index) const {
  uint8_t* const at = mapping_.data() + index * sizeof(uint64_t);
  return *std::launder(reinterpret_cast<std::atomic<uint64_t>*>(at));
}

void ReservationWords::Offer(size_t index, Reservation reservation) {
  RAYX_CHECK(index < kReservations && reservation.offset % kUnit == 0 &&
             reservation.size_bytes % kUnit == 0);
  RAYX_CHECK(reservation.size_bytes > 0 && reservation.size_bytes < kBytesEnd);
  word(index).store(Pack(reservation), std::memory_order_release);
}

bool ReservationWords::TakeBack(size_t index, Reservation reservation) {
  RAYX_CHECK(index < kReservations);
  uint64_t offered = Pack(reservation);
  return word(index).compare_exchange_strong(offered, 0, std::memory_order_acq_rel);
}

std::optional<ReservationWords::Reservation> ReservationWords::Take(uint64_t size_bytes) {
  if (size_bytes >= kBytesEnd) return std::nullopt;
  for (size_t index = 0; index < kReservations; ++index) {
    uint64_t seen = word(index).load(std::memory_order_acquire);
    if (seen == 0 || Unpack(seen).size_bytes != ReservedBytes(size_bytes)) continue;
    // Taken back, or by another thread, meanwhile: then the next one.
    if (word(index).compare_exchange_strong(seen, 0, std::memory_order_acq_rel)) {
      return Unpack(seen);
    }
  }
  return std::nullopt;
}

}  // namespace rayx
