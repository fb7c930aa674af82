#include "placement/placement.h"

#include "common/base/limits.h"

namespace rayx::placement {
namespace {

// It can begin there at once, or before its inputs could have come to another node.
bool IsSoonest(const NodeAmounts& node, const Demand& demand, uint64_t bytes) {
  if (node.FitsNow(demand)) return true;
  if (!node.HasRoom(demand)) return false;
  const std::optional<int64_t> wait_ms = node.WaitMs(demand);
  return wait_ms && static_cast<uint64_t>(*wait_ms) <= bytes / limits::kInputBytesPerMs;
}

}  // namespace

std::optional<NodeSlot> ChooseNode(const ClusterView& view, const Demand& demand,
                                   std::span<const BytesAt> inputs) {
  for (const BytesAt& at : inputs) {
    if (IsSoonest(*view.At(at.slot), demand, at.bytes)) return at.slot;
  }
  if (const auto free = view.LeastLoaded(demand, Room::kFree)) return free;
  for (const BytesAt& at : inputs) {
    if (view.At(at.slot)->HasRoom(demand)) return at.slot;
  }
  return view.LeastLoaded(demand, Room::kAhead);
}

std::optional<NodeSlot> ChooseOverfull(const ClusterView& view, const Demand& demand,
                                       const std::vector<bool>& is_overfull) {
  std::optional<NodeSlot> best;
  for (NodeSlot slot = 0; slot < view.slot_end(); ++slot) {
    const NodeAmounts* const node = view.At(slot);
    if (node == nullptr || is_overfull[slot] || !node->CouldRun(demand)) continue;
    if (!best || node->load() < view.At(*best)->load()) best = slot;
  }
  return best;
}

}  // namespace rayx::placement
