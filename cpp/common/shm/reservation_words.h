// Memory in the pool that a node has reserved for one client, in memory that both share. The client
// takes one without asking, and the node takes back what is not taken, when others need it.
//
//   8 * i   word i, u64: 0: no reservation. Otherwise offset / 64 in the upper 44 bits, and the
//   reservation's
//           size / 64 in the lower 20.
//
// The node offers a reservation by storing its word. The side that changes the word back to 0, by
// compare-and-swap, has the reservation: the client, which then writes it and says so
// (PutReserved), or the node again. A reservation that is offered twice looks the same both times,
// and then it does not matter which of the offers was taken.
//
// A client that writes nonsense harms only what it can harm anyway, having the pool mapped for
// writing: the node never reads an offset or a size here, it compares the word with the one it
// knows to have stored.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/base/status.h"
#include "common/os/scoped_fd.h"
#include "common/shm/shared_memory.h"

namespace rayx {

class ReservationWords {
 public:
  // Multiples of 64 bytes.
  struct Reservation {
    uint64_t offset = 0;
    uint64_t size_bytes = 0;
  };
  static constexpr size_t kReservations = 4;
  // A reservation has fewer bytes.
  static constexpr uint64_t kBytesEnd = uint64_t{64} << 20;

  // Node: no word offers a reservation yet; the words have memory of their own.
  static Result<ReservationWords> Create();
  // Client: maps what came with ObjectCreated.
  static Result<ReservationWords> Map(int fd);

  // Node. REQUIRES: no reservation is offered by that word, or it was taken.
  void Offer(size_t word, Reservation reservation);
  // Node: false if the reservation was taken. REQUIRES: it was offered by that word last.
  bool TakeBack(size_t word, Reservation reservation);

  // Client: a reservation of just that size, rounded up to 64 bytes. Any thread.
  std::optional<Reservation> Take(uint64_t size_bytes);

  // The size of the reservation for so many bytes.
  static constexpr uint64_t ReservedBytes(uint64_t size_bytes) {
    return (size_bytes + 63) / 64 * 64;
  }

  // The memory's descriptor (node's side), to pass on.
  int fd() const { return fd_.get(); }

 private:
  ReservationWords(ScopedFd fd, SharedMapping mapping);
  std::atomic<uint64_t>& word(size_t index) const;
  ScopedFd fd_;
  SharedMapping mapping_;
};

}  // namespace rayx
