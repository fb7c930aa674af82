// What an actor is at the moment, as schedulers decide it, tables keep it and people see it.
//
//            made            its worker died, it may be made again
//   pending ──────▶ alive ◀───────────────────────────────────────▶ restarting
//      └──────────────┴──────────────▶ dead ◀───────────────────────────┘
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rayx {

// Pending: it is being made for the first time. Alive: calls run. Restarting: its worker died, it
// is made again. Dead: every call fails.
enum class ActorState : uint8_t { kPending, kAlive, kRestarting, kDead };

inline constexpr std::array<std::string_view, 4> kActorStateNames = {"pending", "alive",
                                                                     "restarting", "dead"};

constexpr std::string_view ActorStateName(ActorState state) {
  return kActorStateNames[static_cast<size_t>(state)];
}

constexpr std::optional<ActorState> ActorStateFromName(std::string_view name) {
  for (size_t i = 0; i < kActorStateNames.size(); ++i) {
    if (kActorStateNames[i] == name) return static_cast<ActorState>(i);
  }
  return std::nullopt;
}

}  // namespace rayx
