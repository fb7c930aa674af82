// Quantities of resources: CPU, GPU and names that the user makes up.
//
// Amounts are fixed-point numbers in units of 1/10000, so that sums of fractions are exact: taking
// 0.1 ten times and giving it back leaves what was there. A ResourceSet holds few names (one to
// five), so it is a sorted vector; names whose amount is 0 are not held.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"

namespace rayx {

// An amount of one resource, exact to 1/10000.
class ResourceAmount {
 public:
  static constexpr int64_t kUnitsPerOne = 10000;
  // The largest amount that may be asked for or offered; sums of a million of these still fit.
  static constexpr int64_t kWholeMax = 1'000'000'000;
  static constexpr int64_t kUnitsMax = kWholeMax * kUnitsPerOne;

  constexpr ResourceAmount() = default;
  static constexpr ResourceAmount FromUnits(int64_t units) { return ResourceAmount(units); }
  // REQUIRES: whole is not over kWholeMax.
  static constexpr ResourceAmount Of(int64_t whole) { return ResourceAmount(whole * kUnitsPerOne); }
  // Rounds to the nearest 1/10000. InvalidArgument if negative, not finite, over 1e9, or positive
  // but below 1/10000 (it would silently become nothing).
  static Result<ResourceAmount> FromDouble(double value);

  constexpr int64_t units() const { return units_; }
  double ToDouble() const { return static_cast<double>(units_) / kUnitsPerOne; }
  // "2", "0.5"
  std::string ToString() const;

  friend constexpr auto operator<=>(ResourceAmount, ResourceAmount) = default;
  friend constexpr ResourceAmount operator+(ResourceAmount a, ResourceAmount b) {
    return ResourceAmount(a.units_ + b.units_);
  }
  friend constexpr ResourceAmount operator-(ResourceAmount a, ResourceAmount b) {
    return ResourceAmount(a.units_ - b.units_);
  }

 private:
  explicit constexpr ResourceAmount(int64_t units) : units_(units) {}
  int64_t units_ = 0;
};

inline constexpr std::string_view kCpu = "CPU";
inline constexpr std::string_view kGpu = "GPU";

class ResourceSet {
 public:
  using Item = std::pair<std::string, ResourceAmount>;

  ResourceSet() = default;
  ResourceSet(std::initializer_list<Item> items);

  // Sets the amount of `name`; 0 removes the name.
  void Set(std::string_view name, ResourceAmount amount);
  ResourceAmount Get(std::string_view name) const;

  // Every amount of `demand` is at most the amount here.
  bool Covers(const ResourceSet& demand) const;
  void Add(const ResourceSet& other);
  // May leave negative amounts: a task that unblocks takes its CPU back even when it is in use.
  void Subtract(const ResourceSet& other);

  bool empty() const { return items_.empty(); }
  // Sorted by name.
  const std::vector<Item>& items() const { return items_; }
  // "{CPU: 1, GPU: 0.5}"
  std::string ToString() const;
  friend bool operator==(const ResourceSet&, const ResourceSet&) = default;

 private:
  std::vector<Item> items_;
};

}  // namespace rayx

template <>
struct std::hash<rayx::ResourceSet> {
  size_t operator()(const rayx::ResourceSet& set) const noexcept;
};
