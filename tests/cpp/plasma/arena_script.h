// Runs an arena beside a model so simple that it is right at sight: one mark for each unit of
// memory. The bytes of a script decide what is allocated and freed; every difference is a failed
// CHECK. For randomized tests and fuzzing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "plasma/arena.h"

namespace rayx::plasma {

class ArenaScript {
 public:
  explicit ArenaScript(uint64_t units) : arena_(units * kUnit), used_(units, false) {}

  // Two bytes make one step.
  void Run(std::span<const uint8_t> script) {
    for (size_t at = 0; at + 1 < script.size(); at += 2) {
      Step(script[at], script[at + 1]);
      arena_.SanityCheck();
      CheckStats();
    }
    while (!live_.empty()) FreeOne(0);
    RAYX_CHECK(arena_.GetStats().largest_free_bytes == arena_.size_bytes());
    arena_.SanityCheck();
  }

 private:
  static constexpr uint64_t kUnit = limits::kObjectAlignment;

  struct Hole {
    uint64_t first = 0;  // in units
    uint64_t units = 0;
  };

  void Step(uint8_t operation, uint8_t operand) {
    if (operation % 8 < 3 && !live_.empty()) {
      FreeOne(operand % live_.size());
    } else if (operation % 8 == 3) {
      RAYX_CHECK(!arena_.Allocate(UINT64_MAX - operand).has_value());
    } else {
      // Sizes that are no multiple of the unit, and some large ones.
      AllocateOne(1 + uint64_t{operand} * (operation % 8 == 4 ? 97 : 9));
    }
  }

  void AllocateOne(uint64_t size_bytes) {
    const uint64_t units = (size_bytes + kUnit - 1) / kUnit;
    const uint64_t touched_before = touched_;
    const std::optional<Arena::Allocation> got = arena_.Allocate(size_bytes);
    const std::vector<Hole> all = Holes(used_.size());
    const bool fits =
        std::any_of(all.begin(), all.end(), [&](const Hole& hole) { return hole.units >= units; });
    RAYX_CHECK(got.has_value() == fits);
    if (!got) return;
    RAYX_CHECK(got->offset % kUnit == 0 && got->size_bytes == units * kUnit);
    const uint64_t first = got->offset / kUnit;
    CheckPlacement(first, units);
    const uint64_t touched_units =
        first < touched_before ? std::min(touched_before - first, units) : 0;
    RAYX_CHECK(got->touched_bytes == touched_units * kUnit);
    for (uint64_t unit = first; unit < first + units; ++unit) {
      RAYX_CHECK(!used_[unit]);
      used_[unit] = true;
    }
    touched_ = std::max(touched_, first + units);
    live_.push_back({first, units});
  }

  // Best fit in touched memory; if there is none, where the last hole begins.
  void CheckPlacement(uint64_t first, uint64_t units) const {
    uint64_t best = UINT64_MAX;
    uint64_t taken = UINT64_MAX;
    for (const Hole& hole : Holes(touched_)) {
      if (hole.units >= units) best = std::min(best, hole.units);
      if (hole.first <= first && first + units <= hole.first + hole.units) taken = hole.units;
    }
    RAYX_CHECK(taken == best);
    if (best == UINT64_MAX) RAYX_CHECK(first == Holes(used_.size()).back().first);
  }

  void FreeOne(size_t index) {
    const Hole freed = live_[index];
    arena_.Free(freed.first * kUnit);
    for (uint64_t unit = freed.first; unit < freed.first + freed.units; ++unit) used_[unit] = false;
    live_[index] = live_.back();
    live_.pop_back();
  }

  void CheckStats() const {
    const Arena::Stats stats = arena_.GetStats();
    uint64_t largest = 0;
    for (const Hole& hole : Holes(used_.size())) largest = std::max(largest, hole.units);
    const auto used = static_cast<uint64_t>(std::count(used_.begin(), used_.end(), true));
    RAYX_CHECK(stats.largest_free_bytes == largest * kUnit);
    RAYX_CHECK(stats.used_bytes == used * kUnit);
    RAYX_CHECK(stats.used_bytes + stats.free_bytes == arena_.size_bytes());
    RAYX_CHECK(stats.allocations == live_.size());
    RAYX_CHECK(stats.touched_bytes == touched_ * kUnit);
  }

  // The free runs below `end`.
  std::vector<Hole> Holes(uint64_t end) const {
    std::vector<Hole> holes;
    for (uint64_t unit = 0; unit < end; ++unit) {
      if (used_[unit]) continue;
      if (holes.empty() || holes.back().first + holes.back().units != unit)
        holes.push_back({unit, 0});
      ++holes.back().units;
    }
    return holes;
  }

  Arena arena_;
  std::vector<bool> used_;
  std::vector<Hole> live_;
  uint64_t touched_ = 0;  // in units
};

}  // namespace rayx::plasma
