#include "plasma/kept_objects.h"

namespace rayx::plasma {

std::vector<KeptObjects::Kept> KeptObjects::List() const {
  std::vector<Kept> kept;
  for (const auto& [id, entry] : store_->objects_) {
    if (entry.sharing == nullptr || !entry.sharing->kept) continue;
    kept.push_back({.id = id, .home = entry.sharing->home, .is_sealed = entry.IsSealed()});
  }
  return kept;
}

}  // namespace rayx::plasma
