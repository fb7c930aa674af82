#include "scheduler/resources/gpu_slots.h"

#include <algorithm>

#include "common/base/check.h"

namespace rayx::scheduler {
namespace {

constexpr int64_t kOne = ResourceAmount::kUnitsPerOne;

}  // namespace

GpuSlots::GpuSlots(ResourceAmount total)
    : free_(static_cast<size_t>(total.units() / ResourceAmount::kUnitsPerOne), kOne) {}

int64_t GpuSlots::Usable(int64_t units) const {
  if (units > kOne) return std::count(free_.begin(), free_.end(), kOne) * kOne;
  return free_.empty() ? 0 : *std::max_element(free_.begin(), free_.end());
}

bool GpuSlots::HasRoom(int64_t units) const { return Usable(units) >= units; }

std::vector<uint32_t> GpuSlots::Take(int64_t units) {
  std::vector<uint32_t> taken;
  if (units == 0) return taken;
  if (units <= kOne) {
    size_t best = free_.size();
    for (size_t i = 0; i < free_.size(); ++i) {
      if (free_[i] >= units && (best == free_.size() || free_[i] < free_[best])) best = i;
    }
    RAYX_CHECK(best < free_.size());
    free_[best] -= units;
    taken.push_back(static_cast<uint32_t>(best));
    return taken;
  }
  for (size_t i = 0; i < free_.size() && units > 0; ++i) {
    if (free_[i] < kOne) continue;
    free_[i] = 0;
    units -= kOne;
    taken.push_back(static_cast<uint32_t>(i));
  }
  RAYX_CHECK(units == 0);
  return taken;
}

void GpuSlots::Return(const std::vector<uint32_t>& gpus, int64_t units) {
  for (const uint32_t index : gpus) {
    free_[index] += std::min(units, kOne);
    RAYX_CHECK(free_[index] <= kOne);
  }
}

}  // namespace rayx::scheduler
