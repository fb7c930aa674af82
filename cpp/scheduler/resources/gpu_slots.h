// The GPUs of this node, by index: who has which.
//
// A demand up to one GPU has a share of one index, the fullest that has room for it, so that whole
// ones stay free for those who need them. A demand above one is whole and has indices of its own.
// So what is free in sum may be in pieces that are too small.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/resources.h"

namespace rayx::scheduler {

class GpuSlots {
 public:
  // Indices 0 to the whole part of `total`.
  explicit GpuSlots(ResourceAmount total);

  // A demand that some state of the GPUs can serve, as far as its form goes: above one it is whole.
  static bool IsServable(int64_t units) {
    return units <= ResourceAmount::kUnitsPerOne || units % ResourceAmount::kUnitsPerOne == 0;
  }

  // REQUIRES: for all below: units >= 0 and IsServable(units).
  bool HasRoom(int64_t units) const;
  // As much as one demand of `units` could use: less than `units` exactly if it has no room.
  int64_t Usable(int64_t units) const;
  // The indices of this demand, from now on. REQUIRES: HasRoom(units).
  std::vector<uint32_t> Take(int64_t units);
  // REQUIRES: `gpus` came from Take(units).
  void Return(const std::vector<uint32_t>& gpus, int64_t units);

  // Free units by index.
  const std::vector<int64_t>& free() const { return free_; }

 private:
  std::vector<int64_t> free_;
};

}  // namespace rayx::scheduler
