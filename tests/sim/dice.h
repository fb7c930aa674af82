// All chance of a simulation, from one seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

namespace rayx::sim {

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed * 0x9E3779B97F4A7C15ull + 1) {}

  // 0 to end - 1. REQUIRES: end > 0.
  size_t Below(size_t end) { return static_cast<size_t>(random_() % end); }
  bool OneIn(size_t count) { return Below(count) == 0; }
  // With a chance in ten thousand.
  bool Happens(size_t chance) { return Below(10000) < chance; }
  // One of a container's elements. REQUIRES: not empty.
  template <typename Container>
  auto& Of(Container& container) {
    return container[Below(container.size())];
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace rayx::sim
