// What kind of world a seed makes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/dice.h"

namespace rayx::cluster_sim {

struct Options {
  uint64_t seed = 0;
  // So many lines of what happened are kept.
  size_t trace_lines = 0;
};

struct Conditions {
  enum class Kind {
    // Connections are cut, doubled, half-open; nothing is silent for long. No session may end but
    // with its processes.
    kCuts,
    // Links block and processes stop, for no longer than a session can bear. The same.
    kPauses,
    // All of it, for as long as it likes.
    kStorm,
  };
  explicit Conditions(sim::Dice& dice)
      : kind(static_cast<Kind>(dice.Below(3))),
        nodes(2 + (dice.OneIn(2) ? 0 : dice.Below(3))),
        faults(1 + dice.Below(kind == Kind::kPauses ? 4 : 12)),
        messages(4 + dice.Below(60)),
        latency_ms(dice.OneIn(3) ? 1 : 1 + dice.Below(40)),
        unacknowledged_bytes_max(dice.OneIn(3) ? 6 << 10 : 64 << 10),
        has_delays(kind == Kind::kStorm && dice.OneIn(2)),
        has_rude_senders(kind == Kind::kStorm && dice.OneIn(5)),
        cuts_early(kind != Kind::kPauses && dice.OneIn(2)),
        doubles(kind != Kind::kPauses && dice.OneIn(3)),
        has_half_open(kind != Kind::kPauses && dice.OneIn(2)),
        dials_one_way(kind == Kind::kCuts && dice.OneIn(4)),
        is_lazy(kind == Kind::kStorm && dice.OneIn(3)) {
    if (has_rude_senders) unacknowledged_bytes_max = 6 << 10;
  }

  Kind kind;
  size_t nodes;
  size_t faults;
  size_t messages;  // of each node
  size_t latency_ms;
  size_t unacknowledged_bytes_max;
  bool has_delays;
  bool has_rude_senders;  // who send although there is no room
  bool cuts_early;        // connections that end after a few packets, in the hello perhaps
  bool doubles;           // what a dialler says arrives on another connection, too
  bool has_half_open;     // connections of whose end a side does not hear
  bool dials_one_way;     // a place cannot be dialled by those before it
  bool is_lazy;           // nodes do not begin another session when one has ended

  bool is_gentle() const { return kind != Kind::kStorm; }
};

}  // namespace rayx::cluster_sim
