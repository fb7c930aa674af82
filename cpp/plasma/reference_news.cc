#include "plasma/reference_news.h"

#include <algorithm>

#include "common/base/check.h"

namespace rayx::plasma {

void ReferenceNews::Note(ClientId home, const ObjectId& id, bool is_added) {
  std::map<ObjectId, bool>& news = of_homes_[home];
  const auto [at, is_new] = news.try_emplace(id, is_added);
  if (is_new) return;
  RAYX_CHECK(at->second != is_added);
  news.erase(at);
  if (news.empty()) of_homes_.erase(home);
}

ReferenceNews::News ReferenceNews::Of(ClientId home) const {
  News taken;
  const auto found = of_homes_.find(home);
  if (found == of_homes_.end()) return taken;
  for (const auto& [id, is_added] : found->second) {
    (is_added ? taken.added : taken.removed).push_back(id);
  }
  return taken;
}

ReferenceNews::News ReferenceNews::Take(ClientId home) {
  News taken = Of(home);
  of_homes_.erase(home);
  return taken;
}

std::vector<ClientId> ReferenceNews::Pressing() const {
  std::vector<ClientId> homes;
  for (const auto& [home, news] : of_homes_) {
    const bool removes =
        std::any_of(news.begin(), news.end(), [](const auto& one) { return !one.second; });
    if (removes) homes.push_back(home);
  }
  return homes;
}

}  // namespace rayx::plasma
