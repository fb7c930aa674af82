// Which connections of other machines are taken, and for how long, until their peers have proven
// that they have the cluster's key. Knows no sockets and no clock; who has these asks it:
//
//            Admit                          Proven
//   address ───────▶ kTaken ──▶ unproven ───────────▶ a peer (forgotten here)
//      │                           │ Failed, or Gone, or TakeExpired
//      └──▶ kRefused, why          └──────────────────────────────────▶ closed
//
// At most limits::kUnprovenMax connections are unproven at a time, limits::kUnprovenPerAddressMax
// of one address. If there are as many, a newcomer takes the place of the oldest of those whose
// addresses then have no fewer places than its own, if that one has had limits::kUnprovenGraceMs.
// So a flood that keeps all places keeps nobody out, and few addresses cannot push out others. An
// address that comes with a wrong key waits, longer each time; others do not notice.
//
// How many connections a turn looks at is AcceptPace's part, and what the log tells RefusalLog's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/limits.h"

namespace rayx::daemon {

// An IPv6 address, or an IPv4 one as IPv6 writes it (::ffff:a.b.c.d).
using PeerAddress = std::array<uint8_t, 16>;

class UnprovenGate {
 public:
  using Place = uint64_t;

  struct Admission {
    // Of the connection; nothing if it is to be closed at once.
    std::optional<Place> place;
    // Why it is refused, in words; empty if it is not.
    std::string refusal;
    // To be closed, since the new one takes its place.
    std::optional<Place> displaced;
  };

  // A connection of that address has come.
  Admission Admit(const PeerAddress& address, int64_t now_ms);
  // What has become of a connection. Nothing happens if the gate does not know it any more.
  void OnProven(Place place);
  // It has ended, or has sent what is no proof.
  void OnGone(Place place);
  // It has a key, and it is a wrong one.
  void OnWrongKey(Place place, int64_t now_ms);
  // The connections whose time is over; they are forgotten.
  std::vector<Place> TakeExpired(int64_t now_ms);
  // When to call that; nothing while none is unproven.
  std::optional<int64_t> next_expiry_ms() const;

  size_t unproven_count() const { return unproven_.size(); }
  // Addresses that have come with a wrong key and are remembered.
  size_t guesser_count() const { return guessers_.size(); }

 private:
  // Whoever has an IPv6 address has 2^64 of them.
  using Network = std::array<uint8_t, 16>;
  struct Unproven {
    Network network;
    int64_t since_ms;
  };
  struct Guesser {
    int64_t delay_ms;
    // None of its connections is taken before.
    int64_t until_ms;
  };

  static Network NetworkOf(const PeerAddress& address);
  size_t CountOf(const Network& network) const;
  // The connection whose place one of that network may take; the end if there is none.
  std::map<Place, Unproven>::iterator Displaceable(const Network& network, int64_t now_ms);
  void ForgetOneGuesser(int64_t now_ms);

  Place last_place_ = 0;
  // Places grow, so that the oldest is first.
  std::map<Place, Unproven> unproven_;
  std::map<Network, Guesser> guessers_;
};

}  // namespace rayx::daemon
