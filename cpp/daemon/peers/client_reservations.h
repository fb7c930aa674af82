// Memory of the pool that is reserved for one client while it stores one large value after the
// other. The client takes a reservation without asking (common/shm/reservation_words.h), so it need
// not wait for the node.
//
// The second Create in a row for the same size begins this, and a Create for another size ends it.
// A reservation that was filled is replaced by the next. Reservations that the client has not taken
// go back when memory is short, so an idle client keeps nothing from other clients.
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
  // The memory that the client maps to take reservations. It is handed out once, when there are
  // some; otherwise the descriptor is invalid. After a failure the caller may try again.
  Result<ScopedFd> TakeMemory();
  // The client has not got that memory, so TakeMemory hands it out once more.
  void OnMemoryLost() { memory_passed_ = false; }
  // The client has put an object into its reservation at `offset`, or says so.
  void OnPut(uint64_t offset);
  // Frees the reservations that the client has not taken; true if there were any.
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
  // Made at the first offer.
  std::optional<ReservationWords> words_;
  bool memory_passed_ = false;
  // The reservations that the words offer, or that the client has taken.
  std::array<std::optional<ReservationWords::Reservation>, ReservationWords::kReservations>
      offered_;
};

}  // namespace rayx::daemon
