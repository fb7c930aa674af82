// The memory of the pool that is reserved for one client while it stores one large value after the
// other: it takes them without asking (common/shm/reservation_words.h), and so need not wait for
// us.
//
// The second Create in a row for the same size begins it, a Create for another size ends it. A
// reservation that was filled is replaced by the next. What the client has not taken goes back when
// there is no room for somebody else; so an idle client keeps nothing from others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/os/scoped_fd.h"
#include "common/shm/reservation_words.h"
#include "plasma/object_store.h"

namespace rayx::daemon {

class ClientReservations {
 public:
  // `store` must outlive it.
  ClientReservations(ClientId client, plasma::ObjectStore* store)
      : client_(client), store_(store) {}

  // The client has asked for so much memory.
  void OnCreate(uint64_t size_bytes);
  // What the client maps to take reservations. Once, when there are some; nothing otherwise. A
  // failure may be followed by another try.
  Result<ScopedFd> TakeMemory();
  // The client has not got it: it is to be had once more.
  void OnMemoryLost() { memory_passed_ = false; }
  // The client has put an object in its reservation there, or what it says is one.
  void OnPut(uint64_t offset);
  // What was not taken is free again; true if that was anything.
  bool TakeBack();

 private:
  // Offers as many reservations as the client may have.
  void Refill();

  const ClientId client_;
  plasma::ObjectStore* const store_;
  // The size of the last Create, rounded up; and how many reservations there are at once. 0: not
  // yet, or too large.
  uint64_t reserved_bytes_ = 0;
  size_t count_ = 0;
  // There from the first offer on.
  std::optional<ReservationWords> words_;
  bool memory_passed_ = false;
  // What the words offer, or the client has taken.
  std::array<std::optional<ReservationWords::Reservation>, ReservationWords::kReservations>
      offered_;
};

}  // namespace rayx::daemon
